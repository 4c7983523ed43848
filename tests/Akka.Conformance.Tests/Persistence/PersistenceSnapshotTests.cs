using Akka.Actor;
using Akka.Persistence;

namespace Akka.Conformance.Tests.Persistence;

/// <summary>Snapshot stores: in memory, and as files.</summary>
public abstract class PersistenceSnapshotTests : PersistenceSpec
{
    protected PersistenceSnapshotTests(string config)
        : base(config)
    {
    }

    [Fact]
    public void The_newest_snapshot_is_offered()
    {
        StopAndWait(StartWithSnapshots());
        Start("snap");
        Expect("offer s3@3 recovering=True", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void One_snapshot_can_be_deleted()
    {
        var actor = StartWithSnapshots();
        actor.Tell(Act(a => a.DeleteSnapshot(3)));
        Assert.Equal(3, ExpectMsg<DeleteSnapshotSuccess>().Metadata.SequenceNr);
        StopAndWait(actor);
        Start("snap");
        Expect("offer s2@2 recovering=True", "replay e3@3", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Snapshots_can_be_deleted_up_to_a_number()
    {
        var actor = StartWithSnapshots();
        actor.Tell(Act(a => a.DeleteSnapshots(new SnapshotSelectionCriteria(2))));
        Assert.Equal(2, ExpectMsg<DeleteSnapshotsSuccess>().Criteria.MaxSequenceNr);
        StopAndWait(actor);
        Start("snap", new Recovery(new SnapshotSelectionCriteria(2)));
        Expect("replay e1@1", "replay e2@2", "replay e3@3", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Another_actors_snapshots_are_not_touched()
    {
        var actor = StartWithSnapshots();
        var other = StartNew("snap-1");
        other.Tell(Act(a => a.SaveSnapshot("other")));
        Assert.Equal(0, ExpectMsg<SaveSnapshotSuccess>().Metadata.SequenceNr);
        actor.Tell(Act(a => a.DeleteSnapshots(SnapshotSelectionCriteria.Latest)));
        ExpectMsg<DeleteSnapshotsSuccess>();
        StopAndWait(other);
        Start("snap-1");
        Expect("offer other@0 recovering=True", "replayed recovering=True", "recovered 0");
    }

    /// <summary>Events e1, e2, e3, each with a snapshot.</summary>
    protected IActorRef StartWithSnapshots()
    {
        var actor = StartNew("snap");
        for (var i = 1; i <= 3; i++)
        {
            var n = i;
            actor.Tell(Act(a => a.Persist("e" + n, _ => a.SaveSnapshot("s" + n))));
            Assert.Equal(n, ExpectMsg<SaveSnapshotSuccess>().Metadata.SequenceNr);
        }

        return actor;
    }
}

public sealed class PersistenceMemorySnapshotTests() : PersistenceSnapshotTests("");

public sealed class PersistenceFileSnapshotTests : PersistenceSnapshotTests
{
    private readonly string _directory;

    public PersistenceFileSnapshotTests()
        : this(Directory.CreateTempSubdirectory("snapshots").FullName)
    {
    }

    private PersistenceFileSnapshotTests(string directory)
        : base($"""
            akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.local"
            akka.persistence.snapshot-store.local.dir = "{directory.Replace('\\', '/')}"
            """) =>
        _directory = directory;

    // The newest file is cut to half: the one before it is offered.
    [Fact]
    public void A_damaged_snapshot_gives_way_to_an_older_one()
    {
        StopAndWait(StartWithSnapshots());
        var newest = new DirectoryInfo(_directory).GetFiles().Single(f => f.Name.Contains("-3-", StringComparison.Ordinal));
        using (var file = newest.OpenWrite())
            file.SetLength(newest.Length / 2);
        Start("snap");
        Expect("offer s2@2 recovering=True", "replay e3@3", "replayed recovering=True", "recovered 3");
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Directory.Delete(_directory, recursive: true);
    }
}

public sealed class PersistenceNoSnapshotTests() : PersistenceSpec("akka.persistence.snapshot-store.plugin = \"\"")
{
    [Fact]
    public void Without_a_store_an_actor_recovers_and_can_not_save()
    {
        var actor = StartNew("none");
        actor.Tell(Act(a => a.SaveSnapshot("s")));
        ExpectMsg<SaveSnapshotFailure>();
    }
}
