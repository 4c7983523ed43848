using Akka.Actor;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>What <see cref="SingletonCore"/> wants done, in order.</summary>
internal abstract record SingletonEffect
{
    public sealed record StartSingleton : SingletonEffect;

    /// <summary>Asks it to stop; <see cref="SingletonCore.OnSingletonTerminated"/> says when it has.</summary>
    public sealed record TerminateSingleton : SingletonEffect;

    public sealed record Send(Address To, HandOver Message) : SingletonEffect;

    public sealed record SetTimer(SingletonTimer Timer, int Attempt) : SingletonEffect;

    public sealed record CancelTimer(SingletonTimer Timer) : SingletonEffect;

    /// <summary>The coordinated shutdown may go on.</summary>
    public sealed record ConfirmExit : SingletonEffect;

    public sealed record Stop : SingletonEffect;

    public sealed record Fail(string Reason) : SingletonEffect;
}

internal enum SingletonTimer
{
    HandOver,
    TakeOver,
}
