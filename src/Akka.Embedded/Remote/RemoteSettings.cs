using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote.Transport;

namespace Akka.Remote;

/// <summary>The keys of <c>akka.remote</c> that are about associations; those of the socket are <c>TcpSettings</c>.</summary>
public class RemoteSettings
{
    public RemoteSettings(Config config)
    {
        Config = config;
        var remote = config.GetConfig("akka.remote") ?? throw new ConfigurationException("akka.remote is missing");
        Dispatcher = remote.GetString("use-dispatcher", "") ?? "";
        StartupTimeout = Time(remote, "startup-timeout");
        ShutdownTimeout = Time(remote, "shutdown-timeout");
        FlushWait = Time(remote, "flush-wait-on-shutdown");
        UsePassiveConnections = remote.GetBoolean("use-passive-connections", true);
        HandshakeTimeout = Time(remote, "handshake-timeout");
        UntrustedMode = remote.GetBoolean("untrusted-mode", false);
        TrustedSelectionPaths = [.. remote.GetStringList("trusted-selection-paths")];
        LogReceive = remote.GetBoolean("log-received-messages", false);
        LogSend = remote.GetBoolean("log-sent-messages", false);
        RemoteLifecycleEventsLogLevel = LifecycleLevel(remote.GetString("log-remote-lifecycle-events", "on") ?? "on");
        LogBufferSizeExceeding = remote.GetString("log-buffer-size-exceeding", "off") is "off" or "false" ? 0 : remote.GetInt("log-buffer-size-exceeding", 0);
        RetryGateClosedFor = Time(remote, "retry-gate-closed-for");
        QuarantineDuration = Time(remote, "prune-quarantine-marker-after");
        QuarantineSilentSystemTimeout = Time(remote, "quarantine-after-silence");
        SysMsgBufferSize = remote.GetInt("system-message-buffer-size", 0);
        SysResendTimeout = Time(remote, "resend-interval");
        SysResendLimit = remote.GetInt("resend-limit", 0);
        InitialSysMsgDeliveryTimeout = Time(remote, "initial-system-message-delivery-timeout");
        TransportHeartBeatInterval = Time(remote, "transport-failure-detector.heartbeat-interval");
        TransportAcceptablePause = Time(remote, "transport-failure-detector.acceptable-heartbeat-pause");
        WatchFailureDetectorConfig = remote.GetConfig("watch-failure-detector");
        WatchHeartBeatInterval = Time(WatchFailureDetectorConfig, "heartbeat-interval");
        WatchUnreachableReaperInterval = Time(WatchFailureDetectorConfig, "unreachable-nodes-reaper-interval");
        WatchHeartbeatExpectedResponseAfter = Time(WatchFailureDetectorConfig, "expected-response-after");
        if (SysMsgBufferSize < 1)
            throw new ConfigurationException("akka.remote.system-message-buffer-size must be above 0");
        if (SysResendLimit < 1 || SysResendLimit > SysMsgBufferSize)
            throw new ConfigurationException("akka.remote.resend-limit must lie in 1..system-message-buffer-size");
    }

    public Config Config { get; }

    /// <summary>Empty: the default dispatcher.</summary>
    public string Dispatcher { get; }

    public TimeSpan StartupTimeout { get; }

    public TimeSpan ShutdownTimeout { get; }

    public TimeSpan FlushWait { get; }

    public bool UsePassiveConnections { get; }

    public bool UntrustedMode { get; }

    public HashSet<string> TrustedSelectionPaths { get; }

    public bool LogReceive { get; }

    public bool LogSend { get; }

    public string RemoteLifecycleEventsLogLevel { get; }

    /// <summary>0: never.</summary>
    public int LogBufferSizeExceeding { get; }

    public TimeSpan RetryGateClosedFor { get; }

    public TimeSpan? QuarantineDuration { get; }

    public TimeSpan QuarantineSilentSystemTimeout { get; }

    public int SysMsgBufferSize { get; }

    public TimeSpan SysResendTimeout { get; }

    public int SysResendLimit { get; }

    public TimeSpan InitialSysMsgDeliveryTimeout { get; }

    public Config WatchFailureDetectorConfig { get; }

    public TimeSpan WatchHeartBeatInterval { get; }

    public TimeSpan WatchUnreachableReaperInterval { get; }

    public TimeSpan WatchHeartbeatExpectedResponseAfter { get; }

    internal TimeSpan HandshakeTimeout { get; }

    internal TimeSpan TransportHeartBeatInterval { get; }

    internal TimeSpan TransportAcceptablePause { get; }

    public Props ConfigureDispatcher(Props props) => Dispatcher.Length == 0 ? props : props.WithDispatcher(Dispatcher);

    private static TimeSpan Time(Config config, string key) => config.GetTimeSpan(key, null, allowInfinite: false);

    private static string LifecycleLevel(string text) => text.ToLowerInvariant() switch
    {
        "on" or "true" or "yes" => "DEBUG",
        "off" or "false" or "no" => "OFF",
        var level => level.ToUpperInvariant(),
    };
}
