using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Metrics;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>Runs a denoiser over pictures of any size, tile by tile, with the bits of the whole picture.</summary>
/// <remarks>
/// A tile is computed from all pixels that decide its bits: those its outputs depend on, rounded to the blocks that
/// convolutions compute at once, from an origin that is a multiple of those blocks at every depth. Models that take the
/// whole image, and pictures not much larger than a tile, go in one piece. Memory: one tile's activations a thread,
/// kept from picture to picture; beyond 4,096 x 4,096 pixels 192 MiB at most, where that leaves tiles of 256.
/// Pictures whose sides the model's strides do not divide are continued by reflection at the right and the bottom.
/// </remarks>
/// <param name="model">Gives back the shape of its input.</param>
/// <param name="state">Its flat state; never changed.</param>
/// <param name="threads">Tiles at once; changes no bit.</param>
public sealed class TiledPredictor(Model model, ReadOnlyMemory<float> state, int threads)
{
    private const int SideMin = 256;
    private const int SideMax = 1024;

    /// <summary>
    /// Sides a margin: the margins of a tile then cost about a fifth more than the tile alone. Where that is beyond
    /// SideMax, tiles are twice as wide as high, for one margin less.
    /// </summary>
    private const int SidePerMargin = 20;

    /// <summary>
    /// Pixels beyond which tiles are as small as memory wants them: their margins cost models with far sight several
    /// times the work.
    /// </summary>
    private const long PixelsFast = 4096 * 4096;

    /// <summary>Most memory of a thread for such pictures, in bytes.</summary>
    private const double BytesMax = 192 << 20;

    /// <summary>Memory of a thread from which on it is not left to the collector when to free it.</summary>
    private const int CollectedFloats = 8 << 20;

    private Prepared? _prepared;

    /// <summary>Side of the tiles; null for one that suits the model.</summary>
    public int? Side { get; init; }

    /// <summary>
    /// The least shape around a picture that the model gives back: its own if that will do; null if none does.
    /// </summary>
    public ImageShape? Room(ImageShape shape)
    {
        int stride = LargestStride();
        ImageShape larger = shape with { H = RoundUp(shape.H, stride), W = RoundUp(shape.W, stride) };
        return GivesBack(shape) ? shape : GivesBack(larger) ? larger : null;
    }

    /// <summary>Computes the output for one picture.</summary>
    /// <param name="shape">Of the picture.</param>
    /// <param name="input">[C, H, W].</param>
    /// <param name="output">[C, H, W], overwritten.</param>
    /// <param name="sigma">
    /// Standard deviation of its noise, for models that take it; null to estimate it from the whole picture.
    /// </param>
    /// <exception cref="ShapeException">The model cannot take the picture.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit the shape.</exception>
    public void Run(
        ImageShape shape, ReadOnlyMemory<float> input, Memory<float> output, float? sigma = null)
    {
        if (input.Length != shape.Elements || output.Length != shape.Elements)
        {
            throw new ArgumentException($"{input.Length} and {output.Length} values given for {shape}.");
        }

        Run(shape, Read, Write, sigma);

        void Read(int top, int left, ImageShape part, Span<float> values)
        {
            for (int row = 0; row < part.C * part.H; row++)
            {
                int line = (((row / part.H * shape.H) + top + (row % part.H)) * shape.W) + left;
                input.Span.Slice(line, part.W).CopyTo(values[(row * part.W)..]);
            }
        }

        void Write(int top, int left, ImageShape part, ReadOnlySpan<float> values)
        {
            for (int row = 0; row < part.C * part.H; row++)
            {
                int line = (((row / part.H * shape.H) + top + (row % part.H)) * shape.W) + left;
                values.Slice(row * part.W, part.W).CopyTo(output.Span[line..]);
            }
        }
    }

    /// <summary>Computes the output for one picture that need not be in memory.</summary>
    /// <param name="shape">Of the picture.</param>
    /// <param name="read">Gives its parts; they overlap, and one may be asked for twice.</param>
    /// <param name="write">Takes the parts of the output.</param>
    /// <param name="sigma">As above; estimating it reads the whole picture.</param>
    /// <exception cref="ShapeException">The model cannot take the picture.</exception>
    public void Run(ImageShape shape, PictureReader read, PictureWriter write, float? sigma = null)
    {
        ArgumentNullException.ThrowIfNull(read);
        ArgumentNullException.ThrowIfNull(write);
        ImageShape room = Room(shape) ?? throw new ShapeException(
            $"The model makes {model.OutputShape(shape)} of {shape}.",
            "Choose a model that gives back its input's shape.");
        if (model.TakesNoiseLevel)
        {
            sigma ??= (float)NoiseEstimate.Sigma(read, shape);
        }

        foreach (IGrouping<ImageShape, Tile> tiles in Cut(room).GroupBy(tile => tile.Crop))
        {
            Prepared prepared = Prepare(tiles.Key);
            ParallelOptions options = new() { MaxDegreeOfParallelism = threads };
            try
            {
                Parallel.ForEach(tiles, options, prepared.Rent, Compute, prepared.Free.Add);
            }
            catch (AggregateException exception)
            {
                ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
            }

            Predictor Compute(Tile tile, ParallelLoopState loop, Predictor predictor)
            {
                ReadTile(tile, shape, read, predictor.Input);
                predictor.Sigma = sigma;
                predictor.Run(prepared.Replica);
                if (tile.In(shape) is { } part)
                {
                    // The input has been used: what is written needs no memory of its own.
                    tile.Gather(part, predictor.Output, predictor.Input);
                    write(tile.Y.First, tile.X.First, part, predictor.Input.AsSpan(0, part.Elements));
                }

                return predictor;
            }
        }
    }

    /// <summary>Reads what a tile sees: beyond the right and the lower edge the picture's reflection.</summary>
    private static void ReadTile(Tile tile, ImageShape shape, PictureReader read, Span<float> values)
    {
        ImageShape crop = tile.Crop;
        if (tile.ReadY.End <= shape.H && tile.ReadX.End <= shape.W)
        {
            read(tile.ReadY.First, tile.ReadX.First, crop, values);
            return;
        }

        int[] columns = [.. Enumerable.Range(tile.ReadX.First, crop.W).Select(x => Reflect(x, shape.W))];
        int left = columns.Min();
        ImageShape row = new(shape.C, 1, columns.Max() + 1 - left);
        float[] line = new float[row.Elements];
        for (int y = 0; y < crop.H; y++)
        {
            read(Reflect(tile.ReadY.First + y, shape.H), left, row, line);
            for (int c = 0; c < shape.C; c++)
            {
                for (int x = 0; x < crop.W; x++)
                {
                    values[(((c * crop.H) + y) * crop.W) + x] = line[(c * row.W) + columns[x] - left];
                }
            }
        }
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>The pixel that stands for one beyond the edge: the edge itself is not repeated.</summary>
    private static int Reflect(int index, int length)
    {
        int period = Math.Max(1, 2 * (length - 1));
        int within = index % period;
        return within < length ? within : period - within;
    }

    private bool GivesBack(ImageShape shape)
    {
        try
        {
            return model.OutputShape(shape) == shape;
        }
        catch (ShapeException)
        {
            return false;
        }
    }

    /// <summary>Pixels of the picture from one to the next, where the model sees fewest.</summary>
    private int LargestStride()
    {
        double largest = 1;
        model.Root.Distance(1, ref largest);
        return (int)Math.Ceiling(largest);
    }

    /// <summary>What tiles of a shape need; the last one's is kept, for pictures of one size after another.</summary>
    private Prepared Prepare(ImageShape crop)
    {
        // Of its own, since pictures of other threads may be of other shapes.
        Prepared? prepared = _prepared;
        if (prepared?.Plan.Input == crop)
        {
            return prepared;
        }

        bool isLarge = prepared?.Plan.InferenceFloats >= CollectedFloats;
        prepared = _prepared = null;
        if (isLarge)
        {
            // Otherwise the memory of tiles of other shapes adds up until the collector comes by itself.
            GC.Collect();
        }

        Plan plan = model.Compile(crop);
        Replica replica = plan.CreateReplica();
        replica.Load(state.Span);
        prepared = new Prepared(plan, replica);
        _prepared = prepared;
        return prepared;
    }

    private List<Tile> Cut(ImageShape shape)
    {
        int multiple = PixelSpan.Block * LargestStride();
        if (model.Root.Reads(new PixelSpan(0, multiple)) is not { } around)
        {
            PixelSpan lines = new(0, shape.H);
            PixelSpan columns = new(0, shape.W);
            return [new Tile(shape.C, lines, columns, lines, columns)];
        }

        int wanted = Math.Max(SidePerMargin * -around.First, SideMin);
        int side = new PixelSpan(0, Side ?? Math.Min(wanted, SideMax)).Widen(multiple).End;
        int width = Side is null && wanted > SideMax ? 2 * side : side;
        if (Side is null && (long)shape.H * shape.W > PixelsFast
            && SideOfMemory(shape.C, around, multiple) is var little && little < side)
        {
            (side, width) = (little, little);
        }

        return
        [
            .. from line in Cut(shape.H, side, multiple)
               from column in Cut(shape.W, width, multiple)
               select new Tile(shape.C, line.Read, column.Read, line.Part, column.Part),
        ];
    }

    /// <summary>Side of the tiles, with their margins, that a thread's memory holds.</summary>
    private int SideOfMemory(int channels, PixelSpan around, int multiple)
    {
        int margins = new PixelSpan(0, around.End - around.First).Widen(multiple).End + multiple;
        int small = new PixelSpan(0, SideMin + margins).Widen(multiple).End;
        double floats = model.Compile(new ImageShape(channels, small, small)).InferenceFloats;
        double largest = small * Math.Sqrt(BytesMax / (floats * sizeof(float)));
        return new PixelSpan(0, Math.Max(SideMin, (int)largest - margins - multiple)).Widen(multiple).End;
    }

    /// <summary>Parts of a side, and what to read for each: as much where the side allows it.</summary>
    private List<(PixelSpan Part, PixelSpan Read)> Cut(int length, int side, int multiple)
    {
        List<(PixelSpan Part, PixelSpan Read)> parts = [];
        for (int first = 0; first < length; first += side)
        {
            PixelSpan part = new(first, Math.Min(first + side, length));
            PixelSpan read = model.Root.Reads(part)!.Value.Union(part).Widen(multiple);
            parts.Add((part, new PixelSpan(Math.Max(0, read.First), Math.Min(length, read.End))));
        }

        int widest = parts.Max(one => one.Read.End - one.Read.First);
        return [.. parts.Select(one => (one.Part, Equal(one.Read)))];

        // Pixels more change no bit, and tiles of one shape share a plan and its memory.
        PixelSpan Equal(PixelSpan read) =>
            read.First == 0 ? new PixelSpan(0, Math.Min(length, widest))
            : read.End == length && length > widest && (length - widest) % multiple == 0
                ? new PixelSpan(length - widest, length)
            : read;
    }

    /// <summary>A plan, its weights, and the memory of threads that compute no tile now.</summary>
    private sealed record Prepared(Plan Plan, Replica Replica)
    {
        public ConcurrentBag<Predictor> Free { get; } = [];

        public Predictor Rent() => Free.TryTake(out Predictor? predictor) ? predictor : new Predictor(Plan);
    }

    /// <param name="Channels">Of the picture.</param>
    /// <param name="ReadY">Lines to read.</param>
    /// <param name="ReadX">Columns to read.</param>
    /// <param name="Y">Lines to write.</param>
    /// <param name="X">Columns to write.</param>
    private sealed record Tile(int Channels, PixelSpan ReadY, PixelSpan ReadX, PixelSpan Y, PixelSpan X)
    {
        public ImageShape Crop => new(Channels, ReadY.End - ReadY.First, ReadX.End - ReadX.First);

        /// <summary>What of the lines and columns to write is in a picture; null for nothing.</summary>
        public ImageShape? In(ImageShape picture)
        {
            int h = Math.Min(Y.End, picture.H) - Y.First;
            int w = Math.Min(X.End, picture.W) - X.First;
            return h > 0 && w > 0 ? new ImageShape(Channels, h, w) : null;
        }

        /// <summary>Puts the part to write together.</summary>
        public void Gather(ImageShape part, ReadOnlySpan<float> crop, Span<float> to)
        {
            for (int row = 0; row < part.C * part.H; row++)
            {
                int y = Y.First - ReadY.First + (row % part.H);
                int line = (((row / part.H * Crop.H) + y) * Crop.W) + X.First - ReadX.First;
                crop.Slice(line, part.W).CopyTo(to[(row * part.W)..]);
            }
        }
    }
}
