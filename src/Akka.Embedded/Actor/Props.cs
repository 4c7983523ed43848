using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;

namespace Akka.Actor;

/// <summary>The recipe of an actor: immutable, used again for every restart.</summary>
public class Props : IEquatable<Props>
{
    private const DynamicallyAccessedMemberTypes Constructors =
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.Interfaces;

    private static readonly object[] NoArguments = [];

    public static readonly Props None = new(typeof(EmptyActor));
    public static readonly Props Empty = new(typeof(EmptyActor));

    private readonly ActorFactory _factory;

    public Props([DynamicallyAccessedMembers(Constructors)] Type type) : this(type, NoArguments) { }

    public Props([DynamicallyAccessedMembers(Constructors)] Type type, object[] args) : this(Deploy.None, type, args) { }

    public Props(Deploy deploy, [DynamicallyAccessedMembers(Constructors)] Type type, params object[] args)
        : this(new ConstructorFactory(type, args), args, deploy, supervisorStrategy: null) { }

    public Props([DynamicallyAccessedMembers(Constructors)] Type type, SupervisorStrategy? supervisorStrategy, params object[] args)
        : this(new ConstructorFactory(type, args), args, Deploy.None, supervisorStrategy) { }

    private Props(ActorFactory factory, object[] args, Deploy deploy, SupervisorStrategy? supervisorStrategy)
    {
        _factory = factory;
        Arguments = args;
        Deploy = deploy;
        SupervisorStrategy = supervisorStrategy;
    }

    protected Props(Props copy) : this(copy._factory, copy.Arguments, copy.Deploy, copy.SupervisorStrategy) { }

    public Type Type => _factory.ActorType;
    public string TypeName => Type.AssemblyQualifiedName!;
    public object[] Arguments { get; }
    public Deploy Deploy { get; }

    /// <summary>In place of the actor's own strategy when given.</summary>
    public SupervisorStrategy? SupervisorStrategy { get; }

    public string Dispatcher => Deploy.Dispatcher == Deploy.NoDispatcherGiven ? Akka.Dispatch.Dispatchers.DefaultDispatcherId : Deploy.Dispatcher;
    public string Mailbox => Deploy.Mailbox;

    /// <summary>The arguments of the constructor call are evaluated once, here.</summary>
    public static Props Create<TActor>(Expression<Func<TActor>> factory, SupervisorStrategy? supervisorStrategy = null) where TActor : ActorBase
    {
        if (factory.Body is not NewExpression call)
            throw new ArgumentException("The expression must be a constructor call: () => new MyActor(...)", nameof(factory));
        var args = ExpressionValues.Of(call);
        return new Props(new ExpressionFactory(call, args), args, Deploy.None, supervisorStrategy);
    }

    public static Props Create<[DynamicallyAccessedMembers(Constructors)] TActor>(params object[] args) where TActor : ActorBase
        => new(typeof(TActor), args);

    public static Props Create<[DynamicallyAccessedMembers(Constructors)] TActor>(SupervisorStrategy supervisorStrategy) where TActor : ActorBase, new()
        => new(typeof(TActor), supervisorStrategy);

    public static Props Create([DynamicallyAccessedMembers(Constructors)] Type type, params object[] args)
        => type is null ? throw new ArgumentNullException(nameof(type), "Props must be instantiated with an actor type.") : new Props(type, args);

    public static Props CreateBy(IIndirectActorProducer producer, params object[] args)
        => new(new ProducerFactory(producer), args, Deploy.None, supervisorStrategy: null);

    public static Props CreateBy<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProducer>(params object[] args)
        where TProducer : class, IIndirectActorProducer
        => CreateBy((IIndirectActorProducer)Activator.CreateInstance(typeof(TProducer), args)!, args);

    /// <summary>For the engine's own actors: neither reflection nor expression trees, which cost much of a start.</summary>
    internal static Props Of<TActor>(Func<TActor> factory) where TActor : ActorBase
        => new(new DelegateFactory(typeof(TActor), factory), NoArguments, Deploy.None, supervisorStrategy: null);

    private Props With(Deploy deploy, SupervisorStrategy? strategy) => new(_factory, Arguments, deploy, strategy);

    public Props WithDeploy(Deploy deploy) => With(deploy.WithFallback(Deploy), SupervisorStrategy);
    public Props WithDispatcher(string dispatcher) => With(Deploy.WithDispatcher(dispatcher), SupervisorStrategy);
    public Props WithMailbox(string mailbox) => With(Deploy.WithMailbox(mailbox), SupervisorStrategy);
    public Props WithStashCapacity(int stashCapacity) => With(Deploy.WithStashCapacity(stashCapacity), SupervisorStrategy);
    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy) => With(Deploy, supervisorStrategy);

    public virtual ActorBase NewActor() => _factory.New();

    internal void Release(ActorBase actor) => _factory.Release(actor);

    public bool Equals(Props? other)
        => ReferenceEquals(this, other)
           || (other is not null && Type == other.Type && Deploy.Equals(other.Deploy) && Equals(SupervisorStrategy, other.SupervisorStrategy)
               && Arguments.AsSpan().SequenceEqual(other.Arguments));

    public override bool Equals(object? obj) => Equals(obj as Props);
    public override int GetHashCode() => HashCode.Combine(Type, Deploy);

    private sealed class EmptyActor : UntypedActor
    {
        protected override void OnReceive(object message) => Unhandled(message);
    }
}

internal abstract class ActorFactory(Type actorType)
{
    public Type ActorType { get; } = actorType;
    public abstract ActorBase New();
    public virtual void Release(ActorBase actor) { }

    protected ActorBase Invoke(ConstructorInvoker constructor, object?[] args)
        => (ActorBase)(args.Length switch
        {
            0 => constructor.Invoke(),
            1 => constructor.Invoke(args[0]),
            2 => constructor.Invoke(args[0], args[1]),
            3 => constructor.Invoke(args[0], args[1], args[2]),
            _ => constructor.Invoke(args.AsSpan()),
        });
}

/// <summary>Picks the public constructor by the arguments, once.</summary>
internal sealed class ConstructorFactory(
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type, object?[] args) : ActorFactory(type)
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)]
    private readonly Type _type = type;
    private ConstructorInvoker? _constructor;

    public override ActorBase New() => Invoke(_constructor ??= Bind(), args);

    private ConstructorInvoker Bind()
    {
        ParameterInfo[]? best = null;
        ConstructorInfo? found = null;
        foreach (var candidate in _type.GetConstructors())
        {
            var parameters = candidate.GetParameters();
            if (!Takes(parameters) || (best is not null && !IsMoreSpecific(parameters, best)))
                continue;
            found = candidate;
            best = parameters;
        }
        return found is not null
            ? ConstructorInvoker.Create(found)
            : throw new MissingMethodException(
                $"{_type} has no public constructor that takes ({string.Join(", ", args.Select(static a => a?.GetType().Name ?? "null"))})");
    }

    private bool Takes(ParameterInfo[] parameters)
    {
        if (parameters.Length != args.Length)
            return false;
        for (var i = 0; i < args.Length; i++)
        {
            var wanted = parameters[i].ParameterType;
            if (args[i] is null ? wanted.IsValueType && Nullable.GetUnderlyingType(wanted) is null : !wanted.IsInstanceOfType(args[i]))
                return false;
        }
        return true;
    }

    private static bool IsMoreSpecific(ParameterInfo[] candidate, ParameterInfo[] best)
    {
        for (var i = 0; i < candidate.Length; i++)
            if (candidate[i].ParameterType != best[i].ParameterType)
                return best[i].ParameterType.IsAssignableFrom(candidate[i].ParameterType);
        return false;
    }
}

internal sealed class ExpressionFactory(NewExpression call, object?[] args) : ActorFactory(call.Type)
{
    private readonly ConstructorInvoker _constructor = ConstructorInvoker.Create(call.Constructor!);
    public override ActorBase New() => Invoke(_constructor, args);
}

internal sealed class DelegateFactory(Type actorType, Func<ActorBase> factory) : ActorFactory(actorType)
{
    public override ActorBase New() => factory();
}

internal sealed class ProducerFactory(IIndirectActorProducer producer) : ActorFactory(producer.ActorType)
{
    public override ActorBase New() => producer.Produce();
    public override void Release(ActorBase actor) => producer.Release(actor);
}

/// <summary>Evaluates the arguments of a constructor expression, without compiling when they are constants or captured variables.</summary>
internal static class ExpressionValues
{
    public static object[] Of(NewExpression call)
    {
        var values = new object[call.Arguments.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = Evaluate(call.Arguments[i])!;
        return values;
    }

    private static object? Evaluate(Expression? expression)
    {
        switch (expression)
        {
            case null:
                return null;
            case ConstantExpression constant:
                return constant.Value;
            case MemberExpression { Member: FieldInfo field } member:
                return field.GetValue(Evaluate(member.Expression));
            case MemberExpression { Member: PropertyInfo property } member:
                return property.GetValue(Evaluate(member.Expression));
            case UnaryExpression { NodeType: ExpressionType.Convert, Method: null } convert
                when !convert.Type.IsValueType && !convert.Operand.Type.IsValueType:
                return Evaluate(convert.Operand);
            default:
                return Expression.Lambda<Func<object?>>(Expression.Convert(expression, typeof(object))).Compile(preferInterpretation: true)();
        }
    }
}
