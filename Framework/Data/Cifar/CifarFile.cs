using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Cifar;

/// <summary>The binary files of CIFAR-10: records of a class (0 to 9) and 3 x 32 x 32 bytes, planes of a picture.
/// </summary>
/// <remarks>
/// The files have no mark of their own. One is a file whose name ends in .bin, whose length is a multiple of 3,073
/// and whose every record begins with a class. Source: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny
/// Images", and the page of the data set.
/// </remarks>
internal static class CifarFile
{
    private const int Classes = 10;
    private const int RecordBytes = 1 + (3 * 32 * 32);
    private static readonly ImageShape s_shape = new(3, 32, 32);

    /// <summary>Whether name and length are those of such a file.</summary>
    public static bool IsCifar(string path) =>
        path.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
        && FileFaults.Guarded(path, () => new FileInfo(path).Length) is > 0 and long length
        && length % RecordBytes == 0;

    /// <summary>Reads files, one after the other.</summary>
    /// <exception cref="DataException">A file is damaged, or all are too large together.</exception>
    public static ImageContent Read(IReadOnlyList<string> paths)
    {
        long records = paths.Sum(path => FileFaults.Guarded(path, () => new FileInfo(path).Length) / RecordBytes);
        if (records * s_shape.Elements > Array.MaxLength || records == 0)
        {
            throw new DataException(
                string.Create(CultureInfo.InvariantCulture, $"{paths[0]}: {records} images cannot be read."),
                "Give files of 3,073 bytes an image, up to 2 GB of them.");
        }

        byte[] images = GC.AllocateUninitializedArray<byte>((int)records * s_shape.Elements);
        byte[] labels = new byte[records];
        int done = 0;
        foreach (string path in paths)
        {
            byte[] file = FileFaults.ReadAllBytes(path);
            if (file.Length % RecordBytes != 0 || (long)done + (file.Length / RecordBytes) > records)
            {
                throw FileFaults.Damaged(path, $"{file.Length} bytes are no multiple of {RecordBytes}");
            }

            for (int start = 0; start < file.Length; start += RecordBytes)
            {
                labels[done] = file[start] < Classes
                    ? file[start]
                    : throw FileFaults.Damaged(path, $"record {start / RecordBytes} is of class {file[start]}");
                file.AsSpan(start + 1, s_shape.Elements).CopyTo(images.AsSpan(done * s_shape.Elements));
                done++;
            }
        }

        ImageBlock block = ImageBlock.OfBytes(paths[0], (int)records, s_shape, images);
        return new ImageContent([block]) { Labels = labels, ClassCount = Classes };
    }
}
