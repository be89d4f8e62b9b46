using Distributed.Framework.Data.Storage;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Framework.Data;

/// <summary>A file for the pixels of a picture that can only be decompressed as a whole; it goes with this.</summary>
/// <param name="path">Where it is made, if it is needed.</param>
public sealed class PictureScratch(string path) : IDisposable
{
    /// <summary>Pixels of fewer bytes stay in memory.</summary>
    private const long BytesMin = 16 << 20;

    private FileStream? _file;

    /// <summary>What is in the file; null if it was not needed.</summary>
    internal RandomBytes? Pixels => _file is null ? null : new OpenFileBytes(_file.SafeFileHandle);

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    /// <summary>A stream for so many bytes of pixels; null if they are few.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    internal Stream? Create(long bytes)
    {
        if (bytes < BytesMin)
        {
            return null;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose,
            BufferSize = 0,
        });
    }

    private sealed class OpenFileBytes(SafeFileHandle file) : RandomBytes
    {
        public override long Length { get; } = RandomAccess.GetLength(file);

        public override void Read(long offset, Span<byte> target) => ReadAll(file, offset, target);
    }
}
