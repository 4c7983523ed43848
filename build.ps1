# Builds and tests with the official Akka.NET packages where the registry has their pinned version (or -AkkaVersion),
# otherwise with the embedded engine, and says which. Nothing here that these lines can't do by hand:
#   dotnet build -p:AkkaSource=nuget    (or embedded, the default)
#   dotnet test  -p:AkkaSource=nuget
param(
    [ValidateSet('auto', 'nuget', 'embedded')] [string] $AkkaSource = 'auto',
    [string] $AkkaVersion = '',
    [string] $Configuration = 'Debug',
    [switch] $SkipTests
)
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

[string[]] $version = @()
if ($AkkaVersion) { $version += "-p:AkkaVersion=$AkkaVersion" }
if ($AkkaSource -eq 'auto') {
    dotnet msbuild src/ActorBroker -restore -t:CheckAkkaVersion "-p:AkkaSource=nuget" @version -verbosity:quiet *> $null
    $AkkaSource = if ($LASTEXITCODE -eq 0) { 'nuget' } else { 'embedded' }
}
Write-Host "Akka engine: $AkkaSource"

dotnet build -c $Configuration "-p:AkkaSource=$AkkaSource" @version
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
if (-not $SkipTests) {
    dotnet test -c $Configuration "-p:AkkaSource=$AkkaSource" @version --no-build
    exit $LASTEXITCODE
}
