using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>
/// What carries bytes between actor systems. TCP in production; in memory, seeded and under a scheduler's control in simulations.
/// Below this seam nothing knows frames, above it nothing knows sockets.
/// </summary>
internal interface ITransport
{
    /// <summary>The protocol of addresses, such as <c>akka.tcp</c>.</summary>
    string Protocol { get; }

    /// <summary>Takes the port. Returns the address others reach this system at; throws <see cref="RemoteTransportException"/>, naming host and port, when it can't.</summary>
    /// <param name="systemName">Part of the address.</param>
    Task<Address> Listen(string systemName);

    /// <summary>From now on hands over each connection that a peer opens; the receiver starts it. Called once, after <see cref="Listen"/>.</summary>
    void Accept(Action<ITransportConnection> accept);

    /// <summary>Opens a connection; gives up after the transport's own connection timeout.</summary>
    Task<ITransportConnection> Connect(Address remote);

    /// <summary>Stops accepting and closes whatever is still open.</summary>
    Task Shutdown();
}

internal interface ITransportConnection
{
    /// <summary>For logs.</summary>
    string Peer { get; }

    /// <summary>Starts reading into the handler. Called once.</summary>
    void Start(IConnectionHandler handler);

    /// <summary>Sends all bytes; one call at a time. The memory is free again when the task ends. Slow peers make it wait: that is the back-pressure.</summary>
    ValueTask Send(ReadOnlyMemory<byte> bytes);

    /// <summary>Closes; bytes that were sent are still delivered. May be called more than once.</summary>
    void Close();
}

/// <summary>Called by one thread at a time.</summary>
internal interface IConnectionHandler
{
    /// <summary>
    /// Bytes have come. Returns how many were used; the rest is offered again with more behind it.
    /// <paramref name="wanted"/>: the total to make room for before it is worth calling again.
    /// </summary>
    int OnReceived(ReadOnlySpan<byte> bytes, out int wanted);

    /// <summary>The connection has ended; null when the peer closed it in order. Called once.</summary>
    void OnClosed(Exception? cause);
}
