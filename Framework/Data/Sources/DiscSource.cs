using System.Globalization;
using System.Text;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>A toy set of two classes: points of the unit square, class 1 within a disc of half its area.</summary>
/// <remarks>
/// 1,000 points for training and 1,000 for testing, uniform in [0, 1)^2; the disc has its centre at (0.5, 0.5) and
/// radius 1 / sqrt(2 pi). Coordinates are then standardized: each has mean 0 and standard deviation 1 over the training
/// points, and the test points get the same shift and scale. Point i of the training (0) or test (1) set has words 0
/// and 1 of Philox (seed, Disc) at counter (i, set). Source: the EE-559 course of EPFL, second project.
/// </remarks>
public sealed class DiscSource : PairSource
{
    /// <summary>Points of each set.</summary>
    public const int PointCount = 1000;

    private const double RadiusSquared = 1 / (2 * Math.PI);
    private readonly uint _seed;
    private readonly bool _isTest;
    private readonly float[] _points = new float[2 * PointCount];
    private readonly byte[] _labels = new byte[PointCount];

    /// <param name="seed">Decides the points.</param>
    /// <param name="isTest">The test set rather than the training set.</param>
    public DiscSource(uint seed, bool isTest)
    {
        _seed = seed;
        _isTest = isTest;
        Philox random = new(seed, RandomPurpose.Disc);
        for (int i = 0; i < PointCount; i++)
        {
            (double x, double y) = Point(random, i, isTest);
            double distance = ((x - 0.5) * (x - 0.5)) + ((y - 0.5) * (y - 0.5));
            _labels[i] = distance <= RadiusSquared ? (byte)1 : (byte)0;
        }

        for (int axis = 0; axis < 2; axis++)
        {
            Standardize(random, axis);
        }
    }

    /// <inheritdoc/>
    public override int Count => PointCount;

    /// <inheritdoc/>
    public override ImageShape Shape => new(2, 1, 1);

    /// <inheritdoc/>
    public override ImageShape TargetShape => new(2, 1, 1);

    /// <inheritdoc/>
    public override int ClassCount => 2;

    /// <inheritdoc/>
    public override bool HasCleanTargets => false;

    /// <inheritdoc/>
    public override string ContentHash => ContentStream.Hash(stream => stream.Write(Encoding.ASCII.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"disc 1 seed {_seed} {(_isTest ? "test" : "training")}\n"))));

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        input[0] = _points[2 * index];
        input[1] = _points[(2 * index) + 1];
        target[0] = 1 - _labels[index];
        target[1] = _labels[index];
    }

    private static (double X, double Y) Point(Philox random, int index, bool isTest)
    {
        RandomBlock block = random.Block((uint)index, isTest ? 1u : 0);
        return (block.Word0 / (double)(1L << 32), block.Word1 / (double)(1L << 32));
    }

    private void Standardize(Philox random, int axis)
    {
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < PointCount; i++)
        {
            sum += Coordinate(random, i, axis, isTest: false);
        }

        double mean = sum / PointCount;
        for (int i = 0; i < PointCount; i++)
        {
            double difference = Coordinate(random, i, axis, isTest: false) - mean;
            squares += difference * difference;
        }

        double deviation = Math.Sqrt(squares / PointCount);
        for (int i = 0; i < PointCount; i++)
        {
            _points[(2 * i) + axis] = (float)((Coordinate(random, i, axis, _isTest) - mean) / deviation);
        }
    }

    private static double Coordinate(Philox random, int index, int axis, bool isTest)
    {
        (double x, double y) = Point(random, index, isTest);
        return axis == 0 ? x : y;
    }
}
