using System.Collections.Immutable;
using Akka.Actor;
using Akka.Remote.Wire;

namespace Akka.Cluster.Serialization;

/// <summary>
/// The bodies of cluster messages, as protobuf fields. A gossip names each node once; everything else points to it by its place.
/// <code>
/// UniqueAddress  { 1: system, 2: host, 3: port, 4: protocol, 5: uid }
/// Gossip         { 1*: UniqueAddress (the nodes), 2*: role, 3*: Member, 4*: seen (node), 5*: Row, 6*: Version }
/// Member         { 1: node, 2: status, 3: up number, 4*: role }
/// Row            { 1: observer (node), 2: version, 3*: Subject { 1: node, 2: status } }
/// Version        { 1: name, 2: count }
/// </code>
/// Places count from 1, so that they are never the default that protobuf leaves out. Every list is bounded by the bytes that are there, and
/// every place is checked.
/// </summary>
internal static class GossipCodec
{
    public static void Write(OutputBuffer output, int field, UniqueAddress node)
    {
        using var nested = new OutputBuffer(64);
        PduEncoder.WriteAddress(nested, node.Address);
        nested.Int(5, node.Uid);
        output.Message(field, nested.WrittenSpan);
    }

    public static UniqueAddress ReadNode(ReadOnlySpan<byte> bytes)
    {
        var uid = 0;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
            if (field == 5)
                uid = reader.Int32Value();
            else
                reader.Skip();
        return new UniqueAddress(PduDecoder.DecodeAddress(bytes), uid);
    }

    public static void Write(OutputBuffer output, int field, Gossip gossip)
    {
        using var nested = new OutputBuffer();
        var nodes = new Places<UniqueAddress>();
        var roles = new Places<string>();
        using var body = new OutputBuffer();
        foreach (var member in gossip.Members)
            WriteMember(body, member, nodes, roles);
        foreach (var seen in gossip.SeenBy)
            body.Int(4, nodes.Of(seen));
        foreach (var (observer, row) in gossip.Reachability.Rows)
            WriteRow(body, observer, row, nodes);
        WriteVersion(body, 6, gossip.Version);
        foreach (var node in nodes.All)
            Write(nested, 1, node);
        foreach (var role in roles.All)
            nested.Message(2, System.Text.Encoding.UTF8.GetBytes(role));
        nested.Write(body.WrittenSpan);
        output.Message(field, nested.WrittenSpan);
    }

    private static void WriteMember(OutputBuffer output, Member member, Places<UniqueAddress> nodes, Places<string> roles)
    {
        using var nested = new OutputBuffer(64);
        nested.Int(1, nodes.Of(member.UniqueAddress));
        nested.Int(2, (int)member.Status);
        nested.Int(3, member.UpNumber);
        foreach (var role in member.Roles)
            nested.Int(4, roles.Of(role));
        output.Message(3, nested.WrittenSpan);
    }

    private static void WriteRow(OutputBuffer output, UniqueAddress observer, Reachability.Row row, Places<UniqueAddress> nodes)
    {
        using var nested = new OutputBuffer(64);
        nested.Int(1, nodes.Of(observer));
        nested.Int(2, row.Version);
        using var subject = new OutputBuffer(16);
        foreach (var (node, status) in row.Subjects)
        {
            subject.Clear();
            subject.Int(1, nodes.Of(node));
            subject.Int(2, (int)status);
            nested.Message(3, subject.WrittenSpan);
        }

        output.Message(5, nested.WrittenSpan);
    }

    public static void WriteVersion(OutputBuffer output, int field, VectorClock version)
    {
        using var nested = new OutputBuffer(64);
        foreach (var (node, count) in version.Versions)
        {
            nested.Clear();
            nested.String(1, node.ToString());
            nested.Int(2, count);
            output.Message(field, nested.WrittenSpan);
        }
    }

    public static Gossip ReadGossip(ReadOnlySpan<byte> bytes)
    {
        var nodes = new List<UniqueAddress>();
        var roles = new List<string>();
        var members = ImmutableSortedSet.CreateBuilder<Member>();
        var seen = ImmutableHashSet.CreateBuilder<UniqueAddress>();
        var rows = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, Reachability.Row>();
        var version = ImmutableSortedDictionary.CreateBuilder<VectorClock.Node, long>();
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    nodes.Add(ReadNode(reader.BytesValue()));
                    break;
                case 2:
                    roles.Add(reader.StringValue());
                    break;
                case 3:
                    if (!members.Add(ReadMember(reader.BytesValue(), nodes, roles)))
                        throw new WireFormatException("a gossip names a member twice");
                    break;
                case 4:
                    seen.Add(At(nodes, reader.VarintValue()));
                    break;
                case 5:
                    ReadRow(reader.BytesValue(), nodes, rows);
                    break;
                case 6:
                    ReadVersion(reader.BytesValue(), version);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new Gossip(members.ToImmutable(), seen.ToImmutable(), new Reachability(rows.ToImmutable()), VectorClock.Create(version.ToImmutable()));
    }

    private static Member ReadMember(ReadOnlySpan<byte> bytes, List<UniqueAddress> nodes, List<string> roles)
    {
        ulong node = 0;
        var status = 0;
        var upNumber = 0;
        var its = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    node = reader.VarintValue();
                    break;
                case 2:
                    status = reader.Int32Value();
                    break;
                case 3:
                    upNumber = reader.Int32Value();
                    break;
                case 4:
                    its.Add(At(roles, reader.VarintValue()));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if ((MemberStatus)status is < MemberStatus.Joining or > MemberStatus.WeaklyUp or MemberStatus.Removed)
            throw new WireFormatException("a member has an unknown status");
        return new Member(At(nodes, node), upNumber, (MemberStatus)status, its.ToImmutable());
    }

    private static void ReadRow(ReadOnlySpan<byte> bytes, List<UniqueAddress> nodes, IDictionary<UniqueAddress, Reachability.Row> rows)
    {
        ulong observer = 0;
        var version = 0L;
        var subjects = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, ReachabilityStatus>();
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    observer = reader.VarintValue();
                    break;
                case 2:
                    version = unchecked((long)reader.VarintValue());
                    break;
                case 3:
                    var (node, status) = ReadPair(reader.BytesValue());
                    if (status is not ((int)ReachabilityStatus.Unreachable or (int)ReachabilityStatus.Terminated))
                        throw new WireFormatException("a subject has an unknown status");
                    subjects[At(nodes, node)] = (ReachabilityStatus)status;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        rows[At(nodes, observer)] = new Reachability.Row(version, subjects.ToImmutable());
    }

    private static (ulong First, ulong Second) ReadPair(ReadOnlySpan<byte> bytes)
    {
        ulong first = 0, second = 0;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            if (field == 1)
                first = reader.VarintValue();
            else if (field == 2)
                second = reader.VarintValue();
            else
                reader.Skip();
        }

        return (first, second);
    }

    public static void ReadVersion(ReadOnlySpan<byte> bytes, IDictionary<VectorClock.Node, long> versions)
    {
        var name = "";
        var count = 0L;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            if (field == 1)
                name = reader.StringValue();
            else if (field == 2)
                count = unchecked((long)reader.VarintValue());
            else
                reader.Skip();
        }

        if (count < 0)
            throw new WireFormatException("a version is negative");
        versions[VectorClock.Node.Create(name)] = count;
    }

    private static T At<T>(List<T> all, ulong place)
        => place >= 1 && place <= (ulong)all.Count ? all[(int)place - 1] : throw new WireFormatException("a gossip points outside of itself");

    /// <summary>Numbers things in the order in which they come up.</summary>
    private sealed class Places<T> where T : notnull
    {
        private readonly Dictionary<T, int> _places = [];

        public List<T> All { get; } = [];

        public int Of(T thing)
        {
            if (_places.TryGetValue(thing, out var place))
                return place;
            All.Add(thing);
            _places.Add(thing, All.Count);
            return All.Count;
        }
    }
}
