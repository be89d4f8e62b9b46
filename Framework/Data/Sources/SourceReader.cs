using Distributed.Framework.Data.Arrays;
using Distributed.Framework.Data.Cifar;
using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Reads a file or folder, told apart by its content.</summary>
/// <remarks>
/// A folder with data_batch_*.bin is CIFAR-10's and one with train-images* is MNIST's or one of its kin's: each has
/// files for training and others for validation. Other folders hold pictures.
/// </remarks>
internal static class SourceReader
{
    private const int StartBytes = 16;
    private const string CifarTraining = "data_batch_";
    private const string CifarTest = "test_batch";
    private const string IdxTraining = "train-images";
    private const string IdxTest = "t10k-images";

    /// <summary>Whether a folder holds a test set beside its training set.</summary>
    public static bool HasTestSet(string path) =>
        Directory.Exists(path)
        && ((FilesOf(path, CifarTraining).Length > 0 && FilesOf(path, CifarTest).Length > 0)
            || (FilesOf(path, IdxTraining).Length > 0 && FilesOf(path, IdxTest).Length > 0));

    /// <summary>Reads it.</summary>
    /// <param name="path">Of the file or folder.</param>
    /// <param name="request">How.</param>
    /// <exception cref="DataException">It is missing, damaged, or of no known kind.</exception>
    public static ImageContent Read(string path, ReadRequest request)
    {
        try
        {
            return ReadAll(path, request).LimitedTo(request.Limit);
        }
        finally
        {
            FileBytes.CloseLast();
        }
    }

    private static ImageContent ReadAll(string path, ReadRequest request)
    {
        ValueRange range = request.Range;
        if (Directory.Exists(path))
        {
            return ReadFolder(path, request);
        }

        if (FileFaults.Start(path, 1).Length == 0)
        {
            throw new DataException($"{path} is empty: it has 0 bytes.", "Copy or export the file again.");
        }

        if (PictureFiles.IsPicture(path))
        {
            return PictureFolder.Read(path, request);
        }

        byte[] start = FileFaults.Start(path, StartBytes);
        return NpyFile.Begins(start) ? FileFaults.Guarded(path, () => ReadNpy(path, request))
            : start.AsSpan().StartsWith("PK\x03\x04"u8) && NpzFile.IsNpz(path) ? NpzFile.Read(path, range)
            : IdxFile.IsIdx(path) ? IdxFile.Read(path, range)
            : CifarFile.IsCifar(path) ? CifarFile.Read([path])
            : TorchFile.IsTorchFile(path) ? TorchImages.Read(path, range)
            : throw new DataException(
                $"{path} is of no known kind.",
                "Known are: synthetic, disc, PNG, PGM, PPM and TIFF pictures and folders of them, .npy, .npz, IDX, "
                + "CIFAR-10's binary files and files of torch.save.");
    }

    private static ImageContent ReadNpy(string path, ReadRequest request) => NpyFile.Read(new FileBytes(path), path)
        .ToContent(request.Range, memory: new DataMemory(request.MemoryMax));

    private static ImageContent ReadFolder(string path, ReadRequest request)
    {
        string[] cifar = FilesOf(path, request.IsValidation ? CifarTest : CifarTraining);
        if (cifar.Length > 0 && Array.TrueForAll(cifar, CifarFile.IsCifar))
        {
            return CifarFile.Read(cifar);
        }

        string[] idx = FilesOf(path, request.IsValidation ? IdxTest : IdxTraining);
        return idx.Length > 0 ? IdxFile.Read(idx[0], request.Range) : PictureFolder.Read(path, request);
    }

    private static string[] FilesOf(string path, string beginning) => FileFaults.Guarded(path, () =>
    {
        string[] files = [.. Directory.EnumerateFiles(path, beginning + "*").Order(StringComparer.Ordinal)];
        return files;
    });
}
