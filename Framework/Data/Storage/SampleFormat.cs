using System.Buffers.Binary;
using Distributed.Framework.Data.Arrays;

namespace Distributed.Framework.Data.Storage;

/// <summary>How a number is stored.</summary>
/// <param name="Kind">'u' unsigned, 'i' signed, 'f' float.</param>
/// <param name="Bytes">1, 2, 4 or 8; of floats 2, 4 or 8.</param>
/// <param name="IsBigEndian">Whether the upper byte comes first.</param>
internal readonly record struct SampleFormat(char Kind, int Bytes, bool IsBigEndian)
{
    /// <summary>Unsigned bytes.</summary>
    public static SampleFormat OfBytes => new('u', 1, IsBigEndian: false);

    /// <summary>Numbers as floats.</summary>
    /// <param name="samples">The first one begins at its start.</param>
    /// <param name="step">Bytes from one to the next.</param>
    /// <param name="target">Overwritten.</param>
    public void Convert(ReadOnlySpan<byte> samples, int step, Span<float> target)
    {
        switch (Kind, Bytes, IsBigEndian)
        {
            case ('u', 1, _):
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = samples[i * step];
                }

                break;
            case ('u', 2, false):
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = BinaryPrimitives.ReadUInt16LittleEndian(samples[(i * step)..]);
                }

                break;
            case ('u', 2, true):
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = BinaryPrimitives.ReadUInt16BigEndian(samples[(i * step)..]);
                }

                break;
            case ('f', 4, false):
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = BinaryPrimitives.ReadSingleLittleEndian(samples[(i * step)..]);
                }

                break;
            default:
                ConvertOthers(samples, step, target);
                break;
        }
    }

    private void ConvertOthers(ReadOnlySpan<byte> samples, int step, Span<float> target)
    {
        Span<byte> item = stackalloc byte[sizeof(ulong)];
        item = item[..Bytes];
        for (int i = 0; i < target.Length; i++)
        {
            samples.Slice(i * step, Bytes).CopyTo(item);
            if (IsBigEndian)
            {
                item.Reverse();
            }

            target[i] = NumericArray.ToFloat(Kind, item);
        }
    }
}
