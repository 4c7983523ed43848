namespace ActorBroker.Cleaning;

/// <summary>How this node compacts its logs.</summary>
/// <param name="Backoff"><c>log.cleaner.backoff.ms</c>: how long to wait where no log is due.</param>
/// <param name="MapBytes"><c>log.cleaner.dedupe.buffer.size</c>: the most that the map of keys takes, while a log is cleaned.</param>
/// <param name="BufferBytes"><c>log.cleaner.io.buffer.size</c>: half of it for reading, half for writing.</param>
/// <param name="BytesPerSecond"><c>log.cleaner.io.max.bytes.per.second</c>, read and written together; long.MaxValue: no limit.</param>
internal sealed record CleanerOptions(TimeSpan Backoff, long MapBytes, int BufferBytes, long BytesPerSecond);
