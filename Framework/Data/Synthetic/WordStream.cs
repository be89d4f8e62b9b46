using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data.Synthetic;

/// <summary>The random numbers of one drawn image, one after the other: block 0, 1 and so on of its counter.</summary>
internal ref struct WordStream(Philox random, uint counter0, uint counter1 = 0, uint counter2 = 0)
{
    private RandomBlock _block;
    private uint _count;

    /// <summary>Next number in [0, 1).</summary>
    public float Unit()
    {
        uint word = _count % 4;
        if (word == 0)
        {
            _block = random.Block(counter0, counter1, counter2, _count / 4);
        }

        _count++;
        return Philox.ToUnitFloat(word switch
        {
            0 => _block.Word0,
            1 => _block.Word1,
            2 => _block.Word2,
            _ => _block.Word3,
        });
    }

    /// <summary>Next number in [low, high).</summary>
    public float Range(float low, float high) => low + ((high - low) * Unit());

    /// <summary>Next number around 0, variance 1, within +-3: the sum of four uniform ones.</summary>
    public float Bell() => (Unit() + Unit() + Unit() + Unit() - 2) * 1.7320508f;

    /// <summary>A unit vector.</summary>
    /// <remarks>From t in [-1, 1] by the rational parametrization of a half circle: no sine, so the same bits
    /// everywhere.</remarks>
    public (float X, float Y) Direction()
    {
        float t = Range(-1, 1);
        float scale = 1 / (1 + (t * t));
        float sign = Unit() < 0.5f ? -1 : 1;
        return (sign * (1 - (t * t)) * scale, sign * 2 * t * scale);
    }
}
