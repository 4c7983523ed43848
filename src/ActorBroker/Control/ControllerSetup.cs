namespace ActorBroker.Control;

/// <summary>What a controller is made of.</summary>
internal sealed record ControllerSetup(ControllerCore Core, ControllerOptions Options, TimeProvider Time);
