using System.Buffers;

namespace ActorBroker.Log;

/// <summary>A growing byte buffer on pooled arrays; its owner disposes it, after which no view of it may be used.</summary>
internal sealed class PooledBuffer(int initialCapacity) : IBufferWriter<byte>, IDisposable
{
    private byte[] _array = ArrayPool<byte>.Shared.Rent(initialCapacity);

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> WrittenMemory => _array.AsMemory(0, Length);

    public Span<byte> WrittenSpan => _array.AsSpan(0, Length);

    public Memory<byte> MutableMemory => _array.AsMemory(0, Length);

    public void SetLength(int length)
    {
        Reserve(length - Length);
        Length = length;
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _array.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _array.AsSpan(Length);
    }

    public void Dispose()
    {
        var array = _array;
        _array = [];
        Length = 0;
        if (array.Length > 0)
            ArrayPool<byte>.Shared.Return(array);
    }

    private void Reserve(int more)
    {
        if (_array.Length - Length >= more)
            return;
        var wanted = Math.Max(checked(Length + more), (int)Math.Min(_array.Length * 2L, Array.MaxLength));
        var larger = ArrayPool<byte>.Shared.Rent(wanted);
        _array.AsSpan(0, Length).CopyTo(larger);
        if (_array.Length > 0)
            ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
    }
}
