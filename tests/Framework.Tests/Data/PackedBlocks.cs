using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;

namespace Distributed.Framework.Tests.Data;

/// <summary>Packed data whose blocks are all in their file.</summary>
internal static class PackedBlocks
{
    /// <summary>Packs a source, and opens what came of it.</summary>
    public static PairSource Reopen(PairSource source, DataOptions options, string path)
    {
        File.Delete(path); // Another file: the one of before may still be in use.
        using (FileStream stream = File.Create(path))
        {
            source.Packed!.WriteTo(stream);
        }

        return Open(source, options, path);
    }

    /// <summary>Opens a file that has been packed.</summary>
    public static PairSource Open(PairSource source, DataOptions options, string path) => DataSources.OpenPacked(
        options,
        new BlockCache(path, source.Packed!.Index, () => Assert.Fail("A block is missing."), () => 0),
        source.ContentHash);
}
