namespace ActorBroker.Kafka.Tests.Listener;

/// <summary>Memory for requests: in turn, never more than there is, and none is lost when connections end.</summary>
public class RequestMemoryTests
{
    private readonly RequestMemoryPool _pool = new(100, TimeProvider.System);

    [Fact]
    public async Task Who_finds_none_waits_in_turn()
    {
        Assert.True(await _pool.TryTakeAsync(80, default));
        var large = _pool.TryTakeAsync(60, default).AsTask();
        var small = _pool.TryTakeAsync(10, default).AsTask();
        Assert.False(large.IsCompleted || small.IsCompleted);
        _pool.Give(80);
        Assert.True(await large && await small);
        Assert.Equal(70, _pool.Used);
    }

    [Fact]
    public async Task What_would_never_fit_gets_all_of_it_alone()
    {
        Assert.True(await _pool.TryTakeAsync(10, default));
        var huge = _pool.TryTakeAsync(1000, default).AsTask();
        Assert.False(huge.IsCompleted);
        _pool.Give(10);
        Assert.True(await huge);
        Assert.Equal(1000, _pool.Used);
    }

    [Fact]
    public async Task Who_gives_up_waiting_lets_those_behind_pass()
    {
        Assert.True(await _pool.TryTakeAsync(80, default));
        using var gone = new CancellationTokenSource();
        var large = _pool.TryTakeAsync(60, gone.Token).AsTask();
        var small = _pool.TryTakeAsync(10, default).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        Assert.True(await small);
        Assert.Equal(90, _pool.Used);
    }

    [Fact]
    public async Task A_connection_that_ends_gives_back_what_it_held_and_takes_no_more()
    {
        var connection = new ConnectionMemory(_pool);
        Assert.True(await connection.TryTakeAsync(30, default));
        Assert.True(await connection.TryTakeAsync(30, default));
        connection.Give(30);
        connection.Close();
        connection.Give(30);
        Assert.Equal(0, _pool.Used);
        Assert.False(await connection.TryTakeAsync(1, default));
        Assert.Equal(0, _pool.Used);
    }
}
