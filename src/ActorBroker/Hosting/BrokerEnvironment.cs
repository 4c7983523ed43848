using ActorBroker.Log;

namespace ActorBroker.Hosting;

/// <summary>Everything a broker takes from the machine. A simulation gives it other ones.</summary>
/// <param name="NewId">Never the same value twice.</param>
/// <param name="NextRandom">From 0 up to 1.</param>
/// <param name="BootId">Names the machine's current run; null where it has no such name.</param>
internal sealed record BrokerEnvironment(IFileSystem Files, TimeProvider Time, Func<Guid> NewId, Func<double> NextRandom, string? BootId)
{
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>The seam itself: the one place where chance and new ids come from the machine.</summary>
#pragma warning disable RS0030
    public static BrokerEnvironment OfMachine() => new(
        RealFileSystem.Instance,
        TimeProvider.System,
        Guid.NewGuid,
        Random.Shared.NextDouble,
        File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile).Trim() : null);
#pragma warning restore RS0030
}
