using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Api;

/// <summary>
/// Gives out this broker's producer ids, and asks the controller for the next block before they run out. Any thread may ask;
/// one question is under way at a time. What a broker had and did not give out is lost when it stops.
/// </summary>
internal sealed class ProducerIds(ControllerGateway controller, MetadataCache cache, BrokerId self)
{
    private const int TimeoutMs = 10_000;

    private readonly Lock _lock = new();
    private readonly ProducerIdRange _range = new();
    private Task<ErrorCode> _asking = Task.FromResult(ErrorCode.None);

    /// <summary>An id that nobody else has or had; none where there is an error.</summary>
    public async Task<(ProducerId Id, ErrorCode Error)> TakeAsync()
    {
        while (true)
        {
            Task<ErrorCode> asking;
            lock (_lock)
            {
                var hasOne = _range.TryTake(out var id);
                if (_range.IsLow && _asking.IsCompleted) _asking = AskAsync();
                if (hasOne) return (new ProducerId(id), ErrorCode.None);
                asking = _asking;
            }

            if (await asking is var error and not ErrorCode.None) return (ProducerId.None, error);
        }
    }

    private async Task<ErrorCode> AskAsync()
    {
        var epoch = cache.Current.Brokers.TryGetValue(self, out var broker) ? broker.Epoch : -1;
        var (block, error, _) = await controller.AskAsync<ProducerIdBlock>(new AllocateProducerIds(self, epoch), TimeoutMs);
        if (block is null) return error;
        if (block.Error != ErrorCode.None) return block.Error;
        lock (_lock) _range.Add(block.First, block.Count);
        return ErrorCode.None;
    }
}
