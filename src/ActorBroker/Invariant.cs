using System.Diagnostics.CodeAnalysis;

namespace ActorBroker;

/// <summary>Assertions that stay on in production: what fails one stops before it can do harm.</summary>
internal static class Invariant
{
    public static void Check([DoesNotReturnIf(false)] bool holds, string invariant)
    {
        if (!holds) throw new InvariantException(invariant);
    }
}

/// <summary>The program's own state contradicts itself; never the user's doing.</summary>
internal sealed class InvariantException(string invariant) : Exception($"Broken invariant: {invariant}");
