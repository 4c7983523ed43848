using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// This node's voter of one persistence id, for the writer on this node and for those on others. Safe from any thread:
/// a request waits while another one is on its way to the disk. After a fault the next request loads anew what is on disk.
/// </summary>
internal sealed class LocalVoter(JournalLogs logs, string persistenceId)
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
                else _store!.Perform(effect);
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

    /// <summary>Some of the entries that end behind this one, the first of which may begin before it.</summary>
    public ImmutableArray<QuorumEntry> Read(EntryId from, long through, int maxBytes)
    {
        lock (_lock)
        {
            EnsureOpen();
            return _store!.Read(from, through, maxBytes, _core!.Log);
        }
    }

    /// <summary>Moves the log start.</summary>
    public void DeleteTo(long sequenceNr)
    {
        lock (_lock)
        {
            EnsureOpen();
            _isOpen = false;
            if (sequenceNr > _store!.Log.Log.LogStartOffset.Value) _store.DeleteTo(sequenceNr, _core!.Log);
            _isOpen = true;
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
        _store = new VoterStore(log, logs.Storage.Files, logs.Quorum.Self);
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
