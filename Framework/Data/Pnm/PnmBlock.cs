using System.Runtime.InteropServices;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Pnm;

/// <summary>A PGM or PPM picture as a block of images.</summary>
internal static class PnmBlock
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It is damaged, or black and white only.</exception>
    public static ImageBlock Read(string path, PictureReading reading)
    {
        PnmSamples samples = PnmDecoder.Decode(FileFaults.ReadAllBytes(path), path);
        ImageShape shape = samples.Shape;
        bool isByte = samples.Maximum == byte.MaxValue;
        string type = isByte ? ImageBlock.ByteType : "uint16";
        if (!reading.Memory.Takes((long)shape.Elements * (isByte ? 1 : sizeof(float))))
        {
            SampleFormat format = isByte ? SampleFormat.OfBytes : new SampleFormat('f', sizeof(float), false);
            EncodedStore store = new(path, format, shape, DecodeAgain);
            return ImageBlock.OfStore(path, type, null, shape, store, samples.Maximum, reading.Range);
        }

        return isByte
            ? ImageBlock.OfBytes(path, null, shape, Planes.FromInterleaved(samples.Bytes, shape))
            : ImageBlock.OfNumbers(
                path,
                type,
                null,
                shape,
                Planes.FromInterleaved(samples.Floats, shape),
                samples.Maximum,
                reading.Range);

        byte[] DecodeAgain(out ImageShape found)
        {
            PnmSamples again = PnmDecoder.Decode(FileFaults.ReadAllBytes(path), path);
            found = again.Shape;
            return isByte ? again.Bytes : MemoryMarshal.AsBytes(again.Floats.AsSpan()).ToArray();
        }
    }
}
