using Akka.Configuration;

namespace Akka.Persistence;

/// <summary>What happens to a command that finds the internal stash full.</summary>
public interface IStashOverflowStrategy;

public interface IStashOverflowStrategyConfigurator
{
    IStashOverflowStrategy Create(Config config);
}

public class DiscardToDeadLetterStrategy : IStashOverflowStrategy
{
    private DiscardToDeadLetterStrategy()
    {
    }

    public static DiscardToDeadLetterStrategy Instance { get; } = new();
}

public class ThrowOverflowExceptionStrategy : IStashOverflowStrategy
{
    private ThrowOverflowExceptionStrategy()
    {
    }

    public static ThrowOverflowExceptionStrategy Instance { get; } = new();
}

public sealed class ReplyToStrategy : IStashOverflowStrategy
{
    public ReplyToStrategy(object response) => Response = response;

    public object Response { get; }
}

public sealed class ThrowExceptionConfigurator : IStashOverflowStrategyConfigurator
{
    public IStashOverflowStrategy Create(Config config) => ThrowOverflowExceptionStrategy.Instance;
}

public sealed class DiscardConfigurator : IStashOverflowStrategyConfigurator
{
    public IStashOverflowStrategy Create(Config config) => DiscardToDeadLetterStrategy.Instance;
}
