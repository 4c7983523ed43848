using System.Diagnostics.CodeAnalysis;

namespace Akka
{
    /// <summary>The value of an operation that only completes.</summary>
    public sealed class Done
    {
        public static readonly Done Instance = new();

        private Done() { }
    }

    public sealed class NotUsed
    {
        public static readonly NotUsed Instance = new();

        private NotUsed() { }
    }
}

namespace Akka.Util
{
    using Akka.Actor;

    /// <summary>The serialisable stand-in of an object that belongs to one ActorSystem.</summary>
    public interface ISurrogate
    {
        ISurrogated FromSurrogate(ActorSystem system);
    }

    public interface ISurrogated
    {
        ISurrogate ToSurrogate(ActorSystem system);
    }

    public readonly struct Option<T> : IEquatable<Option<T>>
    {
        public static readonly Option<T> None;

        private readonly T _value;

        public Option(T value)
        {
            _value = value;
            HasValue = value is not null;
        }

        public bool HasValue { get; }
        public bool IsEmpty => !HasValue;
        public T Value => _value;

        public static Option<T> Create(T value) => new(value);

        public T GetOrElse(T fallbackValue) => HasValue ? _value : fallbackValue;
        public Option<TNew> Select<TNew>(Func<T, TNew> selector) => HasValue ? new Option<TNew>(selector(_value)) : Option<TNew>.None;

        public void OnSuccess(Action<T> action)
        {
            if (HasValue)
                action(_value);
        }

        public bool Equals(Option<T> other) => HasValue == other.HasValue && EqualityComparer<T>.Default.Equals(_value, other._value);
        public override bool Equals([NotNullWhen(true)] object? obj) => obj is Option<T> o && Equals(o);
        public override int GetHashCode() => HasValue ? EqualityComparer<T>.Default.GetHashCode(_value!) : 0;
        public override string ToString() => HasValue ? $"Some<{_value}>" : "None";

        public static bool operator ==(Option<T> left, Option<T> right) => left.Equals(right);
        public static bool operator !=(Option<T> left, Option<T> right) => !left.Equals(right);
        public static implicit operator Option<T>(T value) => new(value);
    }
}
