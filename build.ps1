# Builds and tests with the official Akka.NET packages where the registry has them, otherwise with the embedded
# engine, and says which. Nothing here that these lines can't do by hand:
#   dotnet build -p:AkkaSource=nuget    (or embedded, the default)
#   dotnet test  -p:AkkaSource=nuget
param(
    [ValidateSet('auto', 'nuget', 'embedded')] [string] $AkkaSource = 'auto',
    [string] $Configuration = 'Debug',
    [switch] $SkipTests
)
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

if ($AkkaSource -eq 'auto') {
    dotnet restore -p:AkkaSource=nuget --verbosity quiet *> $null
    $AkkaSource = if ($LASTEXITCODE -eq 0) { 'nuget' } else { 'embedded' }
}
Write-Host "Akka engine: $AkkaSource"

dotnet build -c $Configuration -p:AkkaSource=$AkkaSource
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
if (-not $SkipTests) {
    dotnet test -c $Configuration -p:AkkaSource=$AkkaSource --no-build
    exit $LASTEXITCODE
}
