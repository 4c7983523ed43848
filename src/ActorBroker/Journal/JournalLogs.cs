using System.Collections.Concurrent;
using ActorBroker.Hosting;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace ActorBroker.Journal;

/// <summary>Where logs of persistence ids that nobody registered lie, and by which means they are read and written.</summary>
/// <param name="Directory">Each log has a folder of its own in it.</param>
internal sealed record JournalStorage(IFileSystem Files, string Directory, TimeProvider Time, LogOptions Options, DiskReserve? Reserve = null);

/// <summary>
/// The logs behind persistence ids, for the journals and the snapshot store of one system. A topic's logs are opened and
/// checked by the broker, which registers them here before it creates their actor; any other is opened when it is first
/// asked for. Safe from any thread.
/// </summary>
internal sealed class JournalLogs(ExtendedActorSystem system) : IExtension
{
    private const string Section = "actorbroker.journal.commit-log";

    private readonly ConcurrentDictionary<string, JournalLog> _registered = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LocalVoter> _voters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OwnLog> _own = new(StringComparer.Ordinal);

    /// <summary>Our own logs that failed since the system started.</summary>
    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);

    private readonly Lock _lock = new();
    private readonly ILoggingAdapter _log = Logging.GetLogger(system, typeof(JournalLogs));
    private JournalStorage? _storage;

    /// <summary>Defaults of everything under <c>actorbroker.journal</c>, <c>actorbroker.snapshot</c> and the dispatcher of writers.</summary>
    public static Config DefaultConfig() => ConfigurationFactory.FromResource<JournalLogs>("journal.conf");

    public static JournalLogs For(ActorSystem system) => system.WithExtension<JournalLogs, Provider>();

    /// <summary>Without <see cref="JoinQuorum"/> this node is the only voter.</summary>
    public QuorumIdentity Quorum { get; private set; } = QuorumIdentity.Alone;

    /// <summary>
    /// Once, before the quorum's journal starts and after <see cref="Configure"/>. From now on this node's disk serves the
    /// writers of other nodes, so that it can be made a voter.
    /// </summary>
    public void JoinQuorum(QuorumIdentity quorum)
    {
        Invariant.Check(quorum.Self.Disk != default, "a node without a disk's id joined the quorum");
        Quorum = quorum;
        system.SystemActorOf(Props.Create(() => new VoterEndpoint(this)).WithDispatcher("actorbroker.io-dispatcher"), VoterEndpoint.Name);
    }

    /// <summary>This node's voter of a persistence id of the quorum's journal.</summary>
    public LocalVoter Voter(string persistenceId) => _voters.GetOrAdd(persistenceId, static (id, logs) => new LocalVoter(logs, logs.Quorum.Self, id), this);

    /// <summary>Without this call the configuration says where logs lie, on the real file system.</summary>
    public void Configure(JournalStorage storage)
    {
        lock (_lock)
        {
            Invariant.Check(_own.Count == 0, "the storage of journals was configured after the first log was opened");
            _storage = storage;
        }
    }

    public JournalStorage Storage
    {
        get
        {
            lock (_lock) return _storage ??= FromConfig(system.Settings.Config.GetConfig(Section));
        }
    }

    /// <summary>The broker opened this log and closes it, after a <see cref="JournalProtocol.ReleaseLog"/>. Replaces an earlier one.</summary>
    public void Register(string persistenceId, JournalLog log) => _registered[persistenceId] = log;

    public void Unregister(string persistenceId) => _registered.TryRemove(persistenceId, out _);

    /// <summary>Null while nobody has opened it.</summary>
    public JournalLog? Find(string persistenceId)
    {
        if (_registered.TryGetValue(persistenceId, out var registered)) return registered;
        lock (_lock) return _own.GetValueOrDefault(persistenceId)?.Log;
    }

    /// <summary>The log is open, or was made once.</summary>
    public bool Exists(string persistenceId)
    {
        if (Find(persistenceId) is not null) return true;
        var (files, directory) = (Storage.Files, DirectoryOf(persistenceId));
        return files.DirectoryExists(directory) && files.ListFiles(directory).Any(file => file.Name.EndsWith(".log", StringComparison.Ordinal));
    }

    /// <summary>Opens the log, or makes it, unless that has been done.</summary>
    /// <exception cref="IOException">It can't be opened.</exception>
    public JournalLog Open(string persistenceId)
    {
        if (_registered.TryGetValue(persistenceId, out var registered)) return registered;
        lock (_lock)
        {
            if (!_own.TryGetValue(persistenceId, out var own))
                _own[persistenceId] = own = OpenOwn(persistenceId);
            return own.Log;
        }
    }

    /// <summary>
    /// After a fault of this log: opens it anew if it is our own, else returns what the broker has registered since; null
    /// while that is still the failed one.
    /// </summary>
    public JournalLog? Reopen(string persistenceId, JournalLog failed)
    {
        if (_registered.TryGetValue(persistenceId, out var registered)) return ReferenceEquals(registered, failed) ? null : registered;
        lock (_lock)
        {
            if (_own.TryGetValue(persistenceId, out var own) && ReferenceEquals(own.Log, failed))
            {
                _own.Remove(persistenceId);
                _failed.Add(persistenceId);
                own.Log.Log.Dispose();
            }
        }

        return Open(persistenceId);
    }

    /// <summary>Closes the log if it is our own. Its writer has stopped.</summary>
    public void Close(string persistenceId)
    {
        lock (_lock)
        {
            if (!_own.Remove(persistenceId, out var own)) return;
            using var log = own.Log.Log;
            log.CloseCleanly();
            own.Checkpoint.Write(new LogRecoveryInfo(log.RecoveryPoint, log.LogStartOffset, WasClean: true));
        }
    }

    /// <summary>The folder of this id's log, opened or not.</summary>
    public string DirectoryOf(string persistenceId) =>
        Find(persistenceId)?.Log.Directory ?? Path.Combine(Storage.Directory, EscapedName.Of(persistenceId));

    private OwnLog OpenOwn(string persistenceId)
    {
        var storage = Storage;
        var name = EscapedName.Of(persistenceId);
        var directory = Path.Combine(storage.Directory, name);
        AtomicFile.EnsureDirectory(storage.Files, directory);
        var checkpoint = new JournalCheckpoint(storage.Files, directory);
        var info = checkpoint.Read() with { RewriteTail = _failed.Contains(persistenceId) };
        if (checkpoint.Fault is { } fault) _log.Warning("{0}", fault);
        var log = PartitionLog.Open(
            storage.Files, directory, new TopicPartition(name, 0), storage.Options, storage.Time, info, checkpoint, storage.Reserve);
        if (log.Recovery.IsRemarkable)
            _log.Warning("The log of [{0}] was repaired: {1} bytes cut, next offset {2}. {3}", persistenceId, log.Recovery.BytesCut, log.LogEndOffset, string.Join(" ", log.Recovery.Notes));
        try
        {
            // From now on a crash must find that it was one.
            checkpoint.Write(new LogRecoveryInfo(log.RecoveryPoint, log.LogStartOffset, WasClean: false));
        }
        catch
        {
            log.Dispose();
            throw;
        }

        return new OwnLog(new JournalLog(log, JournalLogContent.Events), checkpoint);
    }

    private static JournalStorage FromConfig(Config config)
    {
        var reader = new OptionsReader(config, Section);
        var directory = OwnDirectory(reader);
        var options = OwnLogOptions(reader);
        reader.ThrowIfFaulty();
        return new JournalStorage(RealFileSystem.Instance, Path.GetFullPath(directory), TimeProvider.System, options);
    }

    /// <summary>How logs of persistence ids that nobody registered are kept.</summary>
    /// <param name="config"><c>actorbroker.journal.commit-log</c></param>
    /// <exception cref="BrokerConfigurationException">A value is out of range.</exception>
    public static LogOptions OwnLogOptions(Config config)
    {
        var reader = new OptionsReader(config, Section);
        var options = OwnLogOptions(reader);
        reader.ThrowIfFaulty();
        return options;
    }

    public static LogOptions OwnLogOptions(OptionsReader reader) => LogOptions.Default with
    {
        SegmentBytes = reader.Int("segment.bytes", 14),
        FlushMessages = reader.Long("flush.messages", 1),
        RetentionTime = null,
        MaxMessageBytes = int.MaxValue,
    };

    public static string OwnDirectory(OptionsReader reader)
    {
        reader.Check("directory", text => text.Length == 0 ? "must name a folder for the journal's logs" : null);
        return reader.Text("directory");
    }

    private sealed record OwnLog(JournalLog Log, JournalCheckpoint Checkpoint);

    private sealed class Provider : ExtensionIdProvider<JournalLogs>
    {
        public override JournalLogs CreateExtension(ExtendedActorSystem system)
        {
            system.Settings.InjectTopLevelFallback(DefaultConfig());
            return new JournalLogs(system);
        }
    }
}
