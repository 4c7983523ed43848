using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// This node's voter of one persistence id, for the writer on this node and for those on others. Safe from any thread:
/// a request waits while another one is on its way to the disk. After a fault the next request loads anew what is on disk.
/// </summary>
internal sealed class LocalVoter(JournalLogs logs, Member self, string persistenceId)
{
    private readonly Lock _lock = new();
    private readonly List<VoterEffect> _effects = [];
    private VoterStore? _store;
    private VoterCore? _core;
    private bool _isOpen;
    private bool _hasWriter;

    /// <summary>Only while a writer of this node has opened it.</summary>
    public JournalLog Log
    {
        get
        {
            lock (_lock) return _store!.Log;
        }
    }

    /// <summary>By the writer of this node; ends with <see cref="Release"/>.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _hasWriter = true;
            EnsureOpen();
        }
    }

    /// <summary>Performs the request; what it answers is on disk.</summary>
    public VoterReply Step(VoterRequest request)
    {
        lock (_lock)
        {
            EnsureOpen();
            _isOpen = false; // Unless all goes well.
            _effects.Clear();
            _core!.Step(request, _effects);
            VoterReply? answer = null;
            foreach (var effect in _effects)
            {
                if (effect.Kind == VoterEffectKind.Reply) answer = effect.Answer;
                else _store!.Perform(effect, _core);
            }

            _isOpen = true;
            return answer ?? throw new InvariantException("a voter did not answer");
        }
    }

    public LogIndexState Index()
    {
        lock (_lock)
        {
            EnsureOpen();
            return _core!.Log.Copy();
        }
    }

    /// <summary>Some of the entries that end behind this one, the first of which may begin before it; or where the log begins, if that is later.</summary>
    public EntriesRead Read(ReadEntries request)
    {
        lock (_lock)
        {
            EnsureOpen();
            var log = _core!.Log;
            var start = log.Base;
            return request.From.Sequence < start.Sequence
                ? new EntriesRead(request.Epoch, request.To, request.From, [], start, log.MembersAt(start.Sequence))
                : new EntriesRead(request.Epoch, request.To, request.From, _store!.Read(request.From, request.Through, QuorumReplicator.MaxRequestBytes, log), EntryId.Zero, default);
        }
    }

    /// <summary>The writer of this node is gone.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _hasWriter = false;
            Close();
        }
    }

    /// <summary>No other node's writer is served any more.</summary>
    public void CloseUnlessWriting()
    {
        lock (_lock)
        {
            if (!_hasWriter) Close();
        }
    }

    private void EnsureOpen()
    {
        if (_isOpen) return;
        var log = _store is null ? logs.Open(persistenceId) : logs.Reopen(persistenceId, _store.Log);
        Invariant.Check(log is { Content: JournalLogContent.Events }, "a quorum's log holds events and is not registered");
        _store = new VoterStore(log, logs.Storage.Files, self);
        _core = _store.Load();
        _isOpen = true;
    }

    private void Close()
    {
        if (!_isOpen) return; // Closed, or failed: then it is checked when it is opened.
        logs.Close(persistenceId);
        (_isOpen, _store, _core) = (false, null, null);
    }
}
