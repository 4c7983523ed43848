namespace ActorBroker.Client;

/// <summary>One broker address: whether its endpoint has been found, and the requests that wait for it or are out to it.</summary>
internal sealed class Endpoint(NodeAddress address)
{
    public NodeAddress Address { get; } = address;

    /// <summary>Found and not lost since.</summary>
    public bool IsReady { get; private set; }

    public bool IsProbing { get; private set; }

    /// <summary>It was lost, or refused a connection, and has not been found again since.</summary>
    public bool IsLost { get; set; }

    /// <summary>When it was last asked for metadata; brokers are asked in turn.</summary>
    public TimeSpan LastAsked { get; set; } = TimeSpan.MinValue;

    /// <summary>A request has been out for suspiciously long, and that was acted on.</summary>
    public bool IsSlow { get; set; }

    public TimeSpan NextProbe { get; private set; }

    public int FailedProbes { get; private set; }

    /// <summary>There is nothing at the endpoint's path; the own side of a broken connection may have said so.</summary>
    public bool AnsweredWithoutBroker { get; set; }

    /// <summary>The address that a node found there wants to be called by, where that is another one.</summary>
    public NodeAddress? CallsItself { get; set; }

    /// <summary>What the transport last said about this address, for error messages.</summary>
    public string? LastError { get; set; }

    /// <summary>Not sent yet, oldest first.</summary>
    public List<PendingRequest> Waiting { get; } = [];

    public Dictionary<int, PendingRequest> InFlight { get; } = [];

    /// <summary>The first time something here is due: a probe, a request's answer, a waiting request's connection.</summary>
    public TimeSpan NextDeadline
    {
        get
        {
            var next = IsProbing ? NextProbe : TimeSpan.MaxValue;
            foreach (var request in Waiting)
            {
                if (request.ConnectDeadline < next)
                    next = request.ConnectDeadline;
            }

            foreach (var request in InFlight.Values)
            {
                if (request.Deadline < next)
                    next = request.Deadline;
            }

            return next;
        }
    }

    /// <summary>When the first request out becomes suspiciously late.</summary>
    public TimeSpan SlowAt
    {
        get
        {
            var first = TimeSpan.MaxValue;
            foreach (var request in InFlight.Values)
            {
                if (request.SlowAt < first)
                    first = request.SlowAt;
            }

            return first;
        }
    }

    /// <summary>A metadata request of the connection's own is out.</summary>
    public bool IsAskedForMetadata
    {
        get
        {
            foreach (var request in InFlight.Values)
            {
                if (request.Token is null)
                    return true;
            }

            return false;
        }
    }

    public int Load => InFlight.Count + Waiting.Count;

    public void BecomeProbing(TimeSpan now, Backoff backoff)
    {
        IsProbing = true;
        FailedProbes++;
        NextProbe = now + backoff.Delay(FailedProbes);
    }

    public void BecomeReady()
    {
        (IsReady, IsProbing, FailedProbes, AnsweredWithoutBroker, LastError) = (true, false, 0, false, null);
        (IsLost, IsSlow) = (false, false);
    }

    public void BecomeIdle() => (IsReady, IsProbing) = (false, false);

    public string Describe() =>
        CallsItself is { } name ? $"{Address} (a node that answers only to {name}: use that address)"
        : LastError is { } error ? $"{Address} ({error})"
        : AnsweredWithoutBroker ? $"{Address} (no broker there)"
        : $"{Address}";
}

/// <summary>A request on its way.</summary>
/// <param name="Token">The owner's; null for the core's own metadata requests.</param>
/// <param name="SlowAt">From when on its broker is suspected.</param>
internal sealed record PendingRequest(
    int Correlation, long? Token, Protocol.IRequest Request, TimeSpan Deadline, TimeSpan ConnectDeadline, TimeSpan SlowAt, bool Answered);
