namespace ActorBroker.Client;

/// <summary>One broker address: whether its endpoint has been found, and the requests that wait for it or are out to it.</summary>
internal sealed class Endpoint(NodeAddress address)
{
    public NodeAddress Address { get; } = address;

    /// <summary>Found and not lost since.</summary>
    public bool IsReady { get; private set; }

    public bool IsProbing { get; private set; }

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
internal sealed record PendingRequest(
    int Correlation, long? Token, Protocol.IRequest Request, TimeSpan Deadline, TimeSpan ConnectDeadline, bool Answered);
