namespace ActorBroker.Log;

/// <summary>A record's place in its partition, for ever. Negative values are sentinels and never stored.</summary>
public readonly record struct Offset(long Value) : IComparable<Offset>
{
    public static Offset Zero => default;

    /// <summary>-1: no offset known.</summary>
    public static Offset None => new(-1);

    /// <summary>Above every offset: an upper bound that bounds nothing.</summary>
    public static Offset Max => new(long.MaxValue);

    public int CompareTo(Offset other) => Value.CompareTo(other.Value);

    public static bool operator <(Offset left, Offset right) => left.Value < right.Value;

    public static bool operator >(Offset left, Offset right) => left.Value > right.Value;

    public static bool operator <=(Offset left, Offset right) => left.Value <= right.Value;

    public static bool operator >=(Offset left, Offset right) => left.Value >= right.Value;

    public static Offset operator +(Offset offset, long count) => new(offset.Value + count);

    public static Offset operator -(Offset offset, long count) => new(offset.Value - count);

    public static long operator -(Offset left, Offset right) => left.Value - right.Value;

    public static Offset Min(Offset a, Offset b) => a.Value <= b.Value ? a : b;

    public static Offset MaxOf(Offset a, Offset b) => a.Value >= b.Value ? a : b;

    public override string ToString() => Value.ToString();
}

/// <summary>The number of a partition leader's term; -1 is none.</summary>
public readonly record struct LeaderEpoch(int Value) : IComparable<LeaderEpoch>
{
    public static LeaderEpoch None => new(-1);

    public int CompareTo(LeaderEpoch other) => Value.CompareTo(other.Value);

    public static bool operator <(LeaderEpoch left, LeaderEpoch right) => left.Value < right.Value;

    public static bool operator >(LeaderEpoch left, LeaderEpoch right) => left.Value > right.Value;

    public static bool operator <=(LeaderEpoch left, LeaderEpoch right) => left.Value <= right.Value;

    public static bool operator >=(LeaderEpoch left, LeaderEpoch right) => left.Value >= right.Value;

    public LeaderEpoch Next() => new(Value + 1);

    public override string ToString() => Value.ToString();
}

/// <summary>A node's configured number; -1 is none.</summary>
public readonly record struct BrokerId(int Value) : IComparable<BrokerId>
{
    public static BrokerId None => new(-1);

    public int CompareTo(BrokerId other) => Value.CompareTo(other.Value);

    public static bool operator <(BrokerId left, BrokerId right) => left.Value < right.Value;

    public static bool operator >(BrokerId left, BrokerId right) => left.Value > right.Value;

    public static bool operator <=(BrokerId left, BrokerId right) => left.Value <= right.Value;

    public static bool operator >=(BrokerId left, BrokerId right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString();
}

/// <summary>A producer's identity, given out by the controller; -1 is none (not idempotent).</summary>
public readonly record struct ProducerId(long Value)
{
    public static ProducerId None => new(-1);

    public override string ToString() => Value.ToString();
}

/// <summary>The incarnation of a <see cref="ProducerId"/>; -1 is none.</summary>
public readonly record struct ProducerEpoch(short Value)
{
    public static ProducerEpoch None => new(-1);

    public override string ToString() => Value.ToString();
}
