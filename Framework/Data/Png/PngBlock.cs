using System.Buffers.Binary;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Png;

/// <summary>A PNG picture as a block of images.</summary>
internal static class PngBlock
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It is damaged.</exception>
    public static ImageBlock Read(string path, PictureReading reading)
    {
        PngSamples samples = Decode(path, reading.Scratch);
        ImageShape shape = new(samples.Channels, samples.Height, samples.Width);
        bool isByte = samples.Bits == 8;
        if (!reading.Memory.Takes((long)shape.Elements * (isByte ? 1 : sizeof(float))))
        {
            SampleFormat format = new('u', samples.Bits / 8, IsBigEndian: true);
            string type = isByte ? ImageBlock.ByteType : "uint16";
            double maximum = isByte ? byte.MaxValue : ushort.MaxValue;
            PixelStore store = reading.Scratch?.Pixels is { } pixels
                ? new ArrayStore(pixels, 0, format, shape, channelsAreLast: true)
                : Kept(new EncodedStore(path, format, shape, DecodeAgain), samples.Bytes);
            return ImageBlock.OfStore(path, type, null, shape, store, maximum, reading.Range);
        }

        if (isByte)
        {
            return ImageBlock.OfBytes(path, null, shape, Planes.FromInterleaved(samples.Bytes, shape));
        }

        float[] values = new float[shape.Elements];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadUInt16BigEndian(samples.Bytes.AsSpan(2 * i));
        }

        return ImageBlock.OfNumbers(
            path, "uint16", null, shape, Planes.FromInterleaved(values, shape), ushort.MaxValue, reading.Range);

        byte[] DecodeAgain(out ImageShape found)
        {
            PngSamples again = Decode(path, scratch: null);
            found = new ImageShape(again.Channels, again.Height, again.Width);
            return again.Bytes;
        }
    }

    private static EncodedStore Kept(EncodedStore store, byte[] pixels)
    {
        DecodedTiles.Shared.Keep(store, 0, pixels);
        return store;
    }

    private static PngSamples Decode(string path, PictureScratch? scratch)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        return PngDecoder.DecodeSamples(stream, path, scratch is null ? null : scratch.Create);
    }
}
