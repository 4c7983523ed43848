using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;

namespace Akka.Actor;

/// <summary>The recipe of an actor: immutable, used again for every restart.</summary>
public class Props : IEquatable<Props>
{
    private const DynamicallyAccessedMemberTypes Constructors =
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.NonPublicConstructors | DynamicallyAccessedMemberTypes.Interfaces;

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

/// <summary>Picks the constructor by the arguments, once.</summary>
internal sealed class ConstructorFactory(
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.NonPublicConstructors)] Type type,
    object?[] args) : ActorFactory(type)
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.NonPublicConstructors)]
    private readonly Type _type = type;
    private (ConstructorInvoker Constructor, object?[] Args)? _bound;

    public override ActorBase New()
    {
        _bound ??= Bind();
        return Invoke(_bound.Value.Constructor, _bound.Value.Args);
    }

    private (ConstructorInvoker, object?[]) Bind()
    {
        ConstructorInfo? found = null;
        object?[] bound = args;
        foreach (var candidate in _type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            if (TryBind(candidate.GetParameters(), out var values) && (found is null || IsBetter(candidate, found)))
            {
                found = candidate;
                bound = values;
            }
        if (found is null)
            throw new MissingMethodException($"{_type} has no constructor that takes ({string.Join(", ", args.Select(static a => a?.GetType().Name ?? "null"))})");
        return (ConstructorInvoker.Create(found), bound);
    }

    // Fewer parameters left to their defaults, then the more specific types.
    private bool IsBetter(ConstructorInfo candidate, ConstructorInfo best)
    {
        var a = candidate.GetParameters();
        var b = best.GetParameters();
        if (a.Length != b.Length)
            return a.Length < b.Length;
        for (var i = 0; i < args.Length; i++)
            if (a[i].ParameterType != b[i].ParameterType)
                return b[i].ParameterType.IsAssignableFrom(a[i].ParameterType);
        return false;
    }

    private bool TryBind(ParameterInfo[] parameters, out object?[] values)
    {
        values = args;
        if (parameters.Length < args.Length)
            return false;
        for (var i = 0; i < args.Length; i++)
        {
            var wanted = parameters[i].ParameterType;
            var fits = args[i] is null ? !wanted.IsValueType || Nullable.GetUnderlyingType(wanted) is not null : wanted.IsInstanceOfType(args[i]);
            if (!fits)
                return false;
        }
        if (parameters.Length == args.Length)
            return true;
        values = new object?[parameters.Length];
        args.CopyTo(values, 0);
        for (var i = args.Length; i < parameters.Length; i++)
        {
            if (!parameters[i].HasDefaultValue)
                return false;
            values[i] = parameters[i].DefaultValue;
        }
        return true;
    }
}

internal sealed class ExpressionFactory(NewExpression call, object?[] args) : ActorFactory(call.Type)
{
    private readonly ConstructorInvoker _constructor = ConstructorInvoker.Create(call.Constructor!);
    public override ActorBase New() => Invoke(_constructor, args);
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
