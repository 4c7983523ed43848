using System.Text;

namespace ActorBroker.Log.Tests;

/// <summary>What every form of the file seam must do alike.</summary>
public abstract class FileSystemContract
{
    private protected abstract IFileSystem Files { get; }

    private protected abstract string Root { get; }

    private string At(params string[] parts) => Path.Combine([Root, .. parts]);

    [Fact]
    public void Positional_writes_are_read_back_and_gaps_are_zeros()
    {
        using var file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.Write("hello"u8, 3);
        Assert.Equal(8, file.Length);
        var buffer = new byte[16];
        Assert.Equal(8, file.Read(buffer, 0));
        Assert.Equal("\0\0\0hello", Encoding.ASCII.GetString(buffer, 0, 8));
        Assert.Equal(2, file.Read(buffer, 6));
        Assert.Equal(0, file.Read(buffer, 8));
        Assert.Equal(0, file.Read(buffer, 100));
    }

    [Fact]
    public void A_gathered_write_stores_all_buffers_in_order()
    {
        using var file = Files.Open(At("a"), FileOpenMode.CreateNew);
        var buffers = Enumerable.Range(0, 2000).Select(i => (ReadOnlyMemory<byte>)new[] { (byte)i, (byte)(i >> 8) }).ToList();
        file.Write(buffers, 10);
        var read = new byte[4000];
        Assert.Equal(4000, file.Read(read, 10));
        Assert.Equal(buffers.SelectMany(b => b.ToArray()), read);
    }

    [Fact]
    public void Length_is_set_down_and_up_and_what_comes_back_is_zero()
    {
        using var file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.Write("abcdef"u8, 0);
        file.SetLength(2);
        file.SetLength(4);
        var buffer = new byte[8];
        Assert.Equal(4, file.Read(buffer, 0));
        Assert.Equal("ab\0\0", Encoding.ASCII.GetString(buffer, 0, 4));
    }

    [Fact]
    public void Open_modes_differ_as_named()
    {
        Assert.Throws<FileNotFoundException>(() => Files.Open(At("a"), FileOpenMode.Read));
        Assert.Throws<FileNotFoundException>(() => Files.Open(At("a"), FileOpenMode.ReadWrite));
        Assert.Throws<DirectoryNotFoundException>(() => Files.Open(At("no", "a"), FileOpenMode.OpenOrCreate));
        using (var created = Files.Open(At("a"), FileOpenMode.OpenOrCreate))
            created.Write("abc"u8, 0);
        Assert.ThrowsAny<IOException>(() => Files.Open(At("a"), FileOpenMode.CreateNew));
        using (var again = Files.Open(At("a"), FileOpenMode.OpenOrCreate))
            Assert.Equal(3, again.Length);
        using (var reading = Files.Open(At("a"), FileOpenMode.Read))
            Assert.Throws<UnauthorizedAccessException>(() => reading.Write("x"u8, 0));
        using (var emptied = Files.Open(At("a"), FileOpenMode.Truncate))
            Assert.Equal(0, emptied.Length);
    }

    [Fact]
    public void A_reader_sees_what_a_writer_of_the_same_file_wrote()
    {
        using var writer = Files.Open(At("a"), FileOpenMode.CreateNew);
        using var reader = Files.Open(At("a"), FileOpenMode.Read);
        writer.Write("abc"u8, 0);
        var buffer = new byte[3];
        Assert.Equal(3, reader.Read(buffer, 0));
        Assert.Equal("abc"u8.ToArray(), buffer);
    }

    [Fact]
    public void Listings_know_names_lengths_and_folders()
    {
        Files.CreateDirectory(At("x", "y"));
        Files.CreateDirectory(At("x", "y"));
        using (var file = Files.Open(At("x", "f"), FileOpenMode.CreateNew))
            file.Write("abc"u8, 0);
        var entry = Assert.Single(Files.ListFiles(At("x")));
        Assert.Equal("f", entry.Name);
        Assert.Equal(3, entry.Length);
        Assert.Equal(["y"], Files.ListDirectories(At("x")));
        Assert.True(Files.DirectoryExists(At("x", "y")));
        Assert.False(Files.DirectoryExists(At("x", "f")));
        Assert.True(Files.FileExists(At("x", "f")));
        Assert.False(Files.FileExists(At("x", "y")));
        Assert.Throws<DirectoryNotFoundException>(() => Files.ListFiles(At("none")));
    }

    [Fact]
    public void Renaming_a_file_replaces_its_target()
    {
        using (var a = Files.Open(At("a"), FileOpenMode.CreateNew))
            a.Write("new"u8, 0);
        using (var b = Files.Open(At("b"), FileOpenMode.CreateNew))
            b.Write("older"u8, 0);
        Files.MoveFile(At("a"), At("b"));
        Files.FlushDirectory(Root);
        Assert.False(Files.FileExists(At("a")));
        using var moved = Files.Open(At("b"), FileOpenMode.Read);
        Assert.Equal(3, moved.Length);
        Assert.Throws<FileNotFoundException>(() => Files.MoveFile(At("a"), At("c")));
    }

    [Fact]
    public void Folders_are_renamed_and_deleted_with_what_is_in_them()
    {
        Files.CreateDirectory(At("x"));
        Files.CreateDirectory(At("z"));
        Files.Open(At("x", "f"), FileOpenMode.CreateNew).Dispose();
        Assert.ThrowsAny<IOException>(() => Files.MoveDirectory(At("x"), At("z")));
        Files.MoveDirectory(At("x"), At("w"));
        Assert.True(Files.FileExists(At("w", "f")));
        Files.DeleteDirectory(At("w"));
        Files.DeleteDirectory(At("w"));
        Assert.False(Files.DirectoryExists(At("w")));
        Files.DeleteFile(At("never"));
    }

    [Fact]
    public void A_lock_is_held_by_one_until_it_is_let_go()
    {
        var held = Files.TryLock(At(".lock"));
        Assert.NotNull(held);
        Assert.Null(Files.TryLock(At(".lock")));
        held.Dispose();
        var again = Files.TryLock(At(".lock"));
        Assert.NotNull(again);
        again.Dispose();
    }

    [Fact]
    public void There_is_room_on_the_volume()
    {
        Assert.True(Files.FreeBytes(Root) > 0);
        Assert.True(Files.TotalBytes(Root) >= Files.FreeBytes(Root));
    }
}

public sealed class RealFileSystemTests : FileSystemContract, IDisposable
{
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("actorbroker-log-").FullName;

    private protected override IFileSystem Files => RealFileSystem.Instance;

    private protected override string Root => _root;

    public void Dispose() => System.IO.Directory.Delete(_root, recursive: true);
}

public sealed class MemoryFileSystemTests : FileSystemContract
{
    private protected override IFileSystem Files { get; } = new MemoryFileSystem();

    private protected override string Root => "";

    [Fact]
    public void Open_files_can_be_neither_deleted_nor_renamed_as_on_windows()
    {
        Files.CreateDirectory("d");
        using var file = Files.Open("d/a", FileOpenMode.CreateNew);
        Assert.Throws<IOException>(() => Files.DeleteFile("d/a"));
        Assert.Throws<IOException>(() => Files.MoveFile("d/a", "d/b"));
        Assert.Throws<IOException>(() => Files.DeleteDirectory("d"));
        Assert.Throws<IOException>(() => Files.MoveDirectory("d", "e"));
    }
}

public sealed class SimulatedFileSystemTests : FileSystemContract
{
    private readonly SimulatedFileSystem _disk = new(seed: 7);

    private protected override IFileSystem Files => _disk;

    private protected override string Root => "";

    [Fact]
    public void A_crash_loses_bytes_and_names_that_were_not_flushed()
    {
        var kept = _disk.Open("kept", FileOpenMode.CreateNew);
        kept.Write("abc"u8, 0);
        kept.Flush();
        _disk.FlushDirectory("");
        kept.Write("XYZ"u8, 0);
        _disk.Open("nameless", FileOpenMode.CreateNew).Flush();
        _disk.Crash();
        Assert.False(_disk.FileExists("nameless"));
        Assert.Throws<IOException>(() => kept.Length);
        using var again = _disk.Open("kept", FileOpenMode.Read);
        var buffer = new byte[3];
        again.Read(buffer, 0);
        Assert.Equal("abc"u8.ToArray(), buffer);
    }

    [Fact]
    public void A_failed_flush_loses_the_bytes_for_good_though_reads_show_them()
    {
        using (var file = _disk.Open("f", FileOpenMode.CreateNew))
        {
            _disk.FlushDirectory("");
            file.Write("abc"u8, 0);
            _disk.FailNext(FileOperation.Flush);
            Assert.Throws<IOException>(file.Flush);
            file.Flush();
            Assert.Equal(3, file.Length);
        }

        _disk.Crash();
        Assert.Equal(0, _disk.ListFiles("").Single().Length);
    }

    [Fact]
    public void A_full_disk_takes_what_fits_and_takes_more_after_a_deletion()
    {
        _disk.CapacityBytes = 10;
        using (var file = _disk.Open("f", FileOpenMode.CreateNew))
            Assert.Throws<DiskFullException>(() => file.Write(new byte[11], 0));
        Assert.Equal(0, _disk.FreeBytes(""));
        _disk.DeleteFile("f");
        using var other = _disk.Open("g", FileOpenMode.CreateNew);
        other.Write(new byte[10], 0);
    }
}
