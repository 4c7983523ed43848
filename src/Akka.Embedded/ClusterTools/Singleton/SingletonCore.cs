using Akka.Actor;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>
/// Decides for one member whether it runs the singleton. The oldest member of the role runs it; who becomes the oldest first asks those who may
/// run it still.
/// <code>
/// Start          oldest, none older on its way out -> Oldest          else -> BecomingOldest or Younger
/// Younger        became oldest: all before gone -> Oldest             else asks them -> BecomingOldest
/// BecomingOldest HandOverDone of all before, or they are gone -> Oldest
/// Oldest         another is oldest -> WasOldest                       asked -> HandingOver
/// WasOldest      asked -> HandingOver                                 exiting and nobody left -> Stopping
/// HandingOver    singleton stopped -> End, or Younger when nobody asked
/// any            self downed -> Stopping                              self removed -> stop
/// </code>
/// Invariant: the singleton is started only in the move to Oldest, and that only when every older member has said that its own has stopped,
/// or has been removed for the removal margin. Changes of the oldest wait while a hand-over is going on.
/// No actors here; what the core wants done it adds to <see cref="Effects"/>.
/// </summary>
internal sealed class SingletonCore(UniqueAddress self, string? role, int maxHandOverRetries)
{
    private const int RememberedRemovals = 1_000;

    private readonly int _maxTakeOverRetries = maxHandOverRetries - 3;
    private readonly SortedSet<Member> _byAge = new(Member.AgeOrdering);
    private readonly Queue<(UniqueAddress? Now, UniqueAddress? Before)> _changes = new();
    private readonly HashSet<UniqueAddress> _removed = [];
    private readonly Queue<UniqueAddress> _removedInOrder = new();

    /// <summary>In Younger and BecomingOldest: who is or may still be running it, the likeliest first.</summary>
    private List<UniqueAddress> _before = [];
    private UniqueAddress? _newOldest;
    private Address? _handOverTo;
    private bool _runs;
    private bool _exited;
    private bool _clusterEnding;

    /// <summary>This member, leaving, has told a younger one that it may run it.</summary>
    private bool _yielded;

    public ClusterSingletonState State { get; private set; } = ClusterSingletonState.Start;

    public List<SingletonEffect> Effects { get; } = [];

    /// <summary>This member is up.</summary>
    public void Start(IEnumerable<Member> members)
    {
        foreach (var m in members)
            if (m.UpNumber != Member.NeverUp && Counts(m))
                _byAge.Add(m);
        var me = _byAge.FirstOrDefault(m => m.UniqueAddress.Equals(self));
        var older = _byAge.TakeWhile(m => me is null || m.IsOlderThan(me)).ToArray();
        // Someone on its way out may run it still.
        var safe = !older.Any(static m => m.Status is MemberStatus.Down or MemberStatus.Exiting or MemberStatus.Leaving);
        _byAge.RemoveWhere(static m => Member.IsRemovable(m.Status));
        _before = [.. older.Select(static m => m.UniqueAddress)];
        if (!self.Equals(Oldest))
            Become(ClusterSingletonState.Younger);
        else if (safe || _before.Count == 0)
            BecomeOldest();
        else
            BecomeBecomingOldest();
    }

    public void OnMemberUp(Member member)
    {
        if (State == ClusterSingletonState.Start || !Counts(member))
            return;
        ChangeAges(() =>
        {
            _byAge.RemoveWhere(m => m.Equals(member));
            _byAge.Add(member);
        });
    }

    public void OnMemberExited(Member member)
    {
        // Of this member the coordinated shutdown says when it is time.
        if (!member.UniqueAddress.Equals(self))
            ForgetAge(member.UniqueAddress);
    }

    /// <summary>At once; what follows for who may run it comes as <see cref="OnRemovalSettled"/>.</summary>
    /// <returns>true: wait for the removal margin and then say so</returns>
    public bool OnMemberRemoved(UniqueAddress node)
    {
        var isSelf = node.Equals(self);
        if (isSelf && (!_exited || State is ClusterSingletonState.Younger or ClusterSingletonState.BecomingOldest or ClusterSingletonState.End))
        {
            Effects.Add(new SingletonEffect.Stop());
            return false;
        }

        var settles = !isSelf && State is ClusterSingletonState.Younger or ClusterSingletonState.BecomingOldest;
        if (!settles)
            Remember(node);
        if (State == ClusterSingletonState.WasOldest && node.Equals(_newOldest) && !_exited)
            BecomeHandingOver(to: null);
        ForgetAge(node);
        return settles;
    }

    /// <summary>A removed member can't run it any more.</summary>
    public void OnRemovalSettled(UniqueAddress node)
    {
        Remember(node);
        _before.Remove(node);
        if (State == ClusterSingletonState.BecomingOldest && _before.Count == 0)
            BecomeOldest();
    }

    public void OnSelfDowned()
    {
        switch (State)
        {
            case ClusterSingletonState.Younger or ClusterSingletonState.BecomingOldest:
                Effects.Add(new SingletonEffect.Stop());
                break;
            case ClusterSingletonState.Oldest or ClusterSingletonState.WasOldest:
                BecomeStopping();
                break;
        }
    }

    /// <summary>The coordinated shutdown has come to where the singleton must move.</summary>
    public void OnSelfExiting()
    {
        _exited = true;
        if (State is not (ClusterSingletonState.Oldest or ClusterSingletonState.WasOldest or ClusterSingletonState.HandingOver))
            Effects.Add(new SingletonEffect.ConfirmExit());
        ForgetAge(self);
        if (State == ClusterSingletonState.WasOldest && _newOldest is null)
            BecomeStopping();
    }

    /// <summary>The removals that come now are of no meaning: this member sees nothing any more.</summary>
    public void OnClusterEnding() => _clusterEnding = true;

    public void OnSingletonTerminated()
    {
        _runs = false;
        if (State == ClusterSingletonState.HandingOver)
            HandOverIsDone();
        else if (State == ClusterSingletonState.Stopping)
            Effects.Add(new SingletonEffect.Stop());
    }

    /// <param name="message">what came</param>
    /// <param name="from">the address it came from</param>
    /// <param name="member">the member of that address, if there is one that is not down</param>
    /// <param name="leaving">this member is on its way out</param>
    public void OnHandOver(HandOver message, Address from, UniqueAddress? member, bool leaving)
    {
        switch (State, message)
        {
            case (ClusterSingletonState.Younger, HandOver.ToMe):
                // It never ran here, or before a restart that the other has not noticed. Who is on its way out leaves it at that.
                _yielded |= leaving;
                Send(from, HandOver.Done);
                break;
            case (ClusterSingletonState.BecomingOldest, HandOver.InProgress):
                Effects.Add(new SingletonEffect.CancelTimer(SingletonTimer.HandOver));
                break;
            case (ClusterSingletonState.BecomingOldest, HandOver.Done):
                if (_before.Count > 0 && from.Equals(_before[0].Address))
                    OnDoneBefore();
                break;
            case (ClusterSingletonState.BecomingOldest, HandOver.TakeOverFromMe):
                OnTakeOver(from, member);
                break;
            case (ClusterSingletonState.Oldest, HandOver.ToMe) when member is null:
                // One that the cluster has given up, and that does not know it yet: nobody would run it.
                break;
            case (ClusterSingletonState.Oldest or ClusterSingletonState.WasOldest, HandOver.ToMe):
                BecomeHandingOver(from);
                break;
            case (ClusterSingletonState.Oldest, HandOver.TakeOverFromMe):
                Send(from, HandOver.ToMe);
                break;
            case (ClusterSingletonState.HandingOver, HandOver.ToMe) when from.Equals(_handOverTo):
                Send(from, HandOver.InProgress);
                break;
            case (ClusterSingletonState.End, HandOver.ToMe):
                // The first word got lost.
                Send(from, HandOver.Done);
                break;
        }
    }

    /// <summary>Several may have left within a moment, and changes of the oldest may have been seen out of order: everyone is asked.</summary>
    private void OnDoneBefore()
    {
        _before.RemoveAt(0);
        if (_before.Count == 0)
            BecomeOldest();
        else
            AskForHandOver(attempt: 1);
    }

    private void OnTakeOver(Address from, UniqueAddress? member)
    {
        if (member is null)
            return;
        if (_before.Count == 0)
            _before.Add(member);
        if (_before[0].Equals(member))
            Send(from, HandOver.ToMe);
    }

    public void OnTimer(SingletonTimer timer, int attempt)
    {
        if (timer == SingletonTimer.HandOver && State == ClusterSingletonState.BecomingOldest)
        {
            if (_before.Count == 0)
                BecomeOldest();
            else if (attempt <= maxHandOverRetries)
                AskForHandOver(attempt + 1);
            else
                Effects.Add(new SingletonEffect.Fail($"Becoming singleton oldest was stuck because previous oldest [{_before[0]}] is unresponsive"));
        }
        else if (timer == SingletonTimer.TakeOver && State == ClusterSingletonState.WasOldest)
        {
            if (_newOldest is not null && attempt <= _maxTakeOverRetries)
                OfferTakeOver(attempt + 1);
            else if (_exited || _clusterEnding)
                BecomeStopping();
            else if (_newOldest is not null)
                Effects.Add(new SingletonEffect.Fail($"Expected hand-over to [{_newOldest}] never occurred"));
        }
    }

    private UniqueAddress? Oldest => _byAge.Min?.UniqueAddress;

    private bool Counts(Member member) => role is null || member.HasRole(role);

    private void ForgetAge(UniqueAddress node)
    {
        ChangeAges(() => _byAge.RemoveWhere(m => m.UniqueAddress.Equals(node)));
        if (State != ClusterSingletonState.WasOldest || !_exited || _newOldest is null || _newOldest.Equals(Oldest))
            return;
        // Who should have taken over is on its way out too.
        if (Oldest is null)
        {
            BecomeStopping();
            return;
        }

        _newOldest = Oldest;
        OfferTakeOver(attempt: 1);
    }

    private void ChangeAges(Action change)
    {
        var before = Oldest;
        change();
        if (State != ClusterSingletonState.Start && Oldest != before)
            _changes.Enqueue((Oldest, before));
        ApplyChanges();
    }

    private void ApplyChanges()
    {
        while (State is ClusterSingletonState.Younger or ClusterSingletonState.Oldest && _changes.TryDequeue(out var change))
        {
            if (State == ClusterSingletonState.Younger)
                OnOldestChangedInYounger(change.Now, change.Before);
            else
                OnOldestChangedInOldest(change.Now);
        }
    }

    private void OnOldestChangedInYounger(UniqueAddress? now, UniqueAddress? before)
    {
        if (before is not null)
        {
            _before.Remove(before);
            if (!_removed.Contains(before))
                _before.Insert(0, before);
        }

        if (self.Equals(now))
        {
            if (_before.Count == 0)
                BecomeOldest();
            else
                BecomeBecomingOldest();
        }
        else if (now is not null && !_before.Contains(now))
        {
            _before.Insert(0, now);
        }
    }

    private void OnOldestChangedInOldest(UniqueAddress? now)
    {
        if (self.Equals(now))
            return;
        if (now is not null && !_exited && _removed.Contains(now))
        {
            // The removal is not complete everywhere, and the removed one is thought the oldest again: safest is to begin anew.
            BecomeHandingOver(to: null);
            return;
        }

        _newOldest = now;
        Become(ClusterSingletonState.WasOldest);
        if (now is not null)
            OfferTakeOver(attempt: 1);
        else if (_exited)
            BecomeStopping();
    }

    private void OfferTakeOver(int attempt)
    {
        Send(_newOldest!.Address, HandOver.TakeOverFromMe);
        Effects.Add(new SingletonEffect.SetTimer(SingletonTimer.TakeOver, attempt));
    }

    private void AskForHandOver(int attempt)
    {
        Send(_before[0].Address, HandOver.ToMe);
        Effects.Add(new SingletonEffect.SetTimer(SingletonTimer.HandOver, attempt));
    }

    private void Send(Address to, HandOver message) => Effects.Add(new SingletonEffect.Send(to, message));

    private void Remember(UniqueAddress node)
    {
        if (!_removed.Add(node))
            return;
        _removedInOrder.Enqueue(node);
        if (_removedInOrder.Count > RememberedRemovals)
            _removed.Remove(_removedInOrder.Dequeue());
    }

    private void Become(ClusterSingletonState state)
    {
        if (State == ClusterSingletonState.BecomingOldest)
            Effects.Add(new SingletonEffect.CancelTimer(SingletonTimer.HandOver));
        if (State == ClusterSingletonState.WasOldest)
            Effects.Add(new SingletonEffect.CancelTimer(SingletonTimer.TakeOver));
        State = state;
        if (state is ClusterSingletonState.Younger or ClusterSingletonState.End && _removed.Contains(self))
            Effects.Add(new SingletonEffect.Stop());
    }

    private void BecomeBecomingOldest()
    {
        if (_clusterEnding)
            return;
        Become(ClusterSingletonState.BecomingOldest);
        AskForHandOver(attempt: 1);
    }

    private void BecomeOldest()
    {
        if (_clusterEnding || _yielded)
            return;
        Become(ClusterSingletonState.Oldest);
        _before.Clear();
        _runs = true;
        Effects.Add(new SingletonEffect.StartSingleton());
        ApplyChanges();
    }

    private void BecomeHandingOver(Address? to)
    {
        Become(ClusterSingletonState.HandingOver);
        _handOverTo = to;
        if (!_runs)
        {
            HandOverIsDone();
            return;
        }

        if (to is not null)
            Send(to, HandOver.InProgress);
        Effects.Add(new SingletonEffect.TerminateSingleton());
    }

    private void HandOverIsDone()
    {
        Effects.Add(new SingletonEffect.ConfirmExit());
        if (_handOverTo is { } to)
        {
            Send(to, HandOver.Done);
            Become(ClusterSingletonState.End);
            return;
        }

        _before.Clear();
        Become(ClusterSingletonState.Younger);
        ApplyChanges();
    }

    private void BecomeStopping()
    {
        Become(ClusterSingletonState.Stopping);
        Effects.Add(_runs ? new SingletonEffect.TerminateSingleton() : new SingletonEffect.Stop());
    }
}
