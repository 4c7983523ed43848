using Akka.Actor;

namespace Akka.Pattern;

/// <summary>An object was used in a state that does not allow it.</summary>
public class IllegalStateException : AkkaException
{
    public IllegalStateException(string message)
        : base(message)
    {
    }

    public IllegalStateException(string message, Exception innerEx)
        : base(message, innerEx)
    {
    }
}

/// <summary>A call was not made because too many before it had failed.</summary>
public class OpenCircuitException : AkkaException
{
    public OpenCircuitException()
        : base("Circuit Breaker is open; calls are failing fast")
    {
    }

    public OpenCircuitException(string message)
        : base(message)
    {
    }
}
