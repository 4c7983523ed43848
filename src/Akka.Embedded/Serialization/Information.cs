using Akka.Actor;

namespace Akka.Serialization;

/// <summary>From where actor references are looked at while a message is written: they carry this address.</summary>
public sealed class Information : IEquatable<Information>
{
    public Information(Address address, ActorSystem system)
    {
        Address = address;
        System = system;
    }

    public Address Address { get; }

    public ActorSystem System { get; }

    public bool Equals(Information? other) => other is not null && Equals(Address, other.Address);

    public override bool Equals(object? obj) => Equals(obj as Information);

    public override int GetHashCode() => Address?.GetHashCode() ?? 0;

    public static bool operator ==(Information? left, Information? right) => Equals(left, right);

    public static bool operator !=(Information? left, Information? right) => !Equals(left, right);
}
