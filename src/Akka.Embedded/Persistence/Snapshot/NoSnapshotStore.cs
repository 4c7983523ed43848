namespace Akka.Persistence.Snapshot;

/// <summary>Stands in where no snapshot store is configured: there are none, and saving one fails.</summary>
public sealed class NoSnapshotStore : SnapshotStore
{
    protected override Task<SelectedSnapshot?> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Task.FromResult<SelectedSnapshot?>(null);

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) =>
        Task.FromException(new NoSnapshotStoreException("No snapshot store configured."));

    protected override Task DeleteAsync(SnapshotMetadata metadata) =>
        Task.FromException(new NoSnapshotStoreException("No snapshot store configured."));

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Task.FromException(new NoSnapshotStoreException("No snapshot store configured."));

    public class NoSnapshotStoreException : Exception
    {
        public NoSnapshotStoreException()
        {
        }

        public NoSnapshotStoreException(string message)
            : base(message)
        {
        }

        public NoSnapshotStoreException(string message, Exception innerException)
            : base(message, innerException)
        {
        }
    }
}
