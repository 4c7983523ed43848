namespace System.Runtime.CompilerServices;

/// <summary>Lets a netstandard2.0 project use records and init accessors.</summary>
internal static class IsExternalInit
{
}
