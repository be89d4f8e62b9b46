using System.Collections.Concurrent;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>Runs a denoiser over pictures of any size, tile by tile, with the bits of the whole picture.</summary>
/// <remarks>
/// A tile is computed from all pixels that decide its bits: those its outputs depend on, rounded to the blocks that
/// convolutions compute at once, from an origin that is a multiple of those blocks at every depth. Models that take the
/// whole image, and pictures not much larger than a tile, go in one piece. Memory: one tile's activations a thread,
/// kept from picture to picture. One picture at a time.
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
    /// <exception cref="ShapeException">The model cannot take the picture.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit the shape.</exception>
    public void Run(ImageShape shape, ReadOnlyMemory<float> input, Memory<float> output)
    {
        if (input.Length != shape.Elements || output.Length != shape.Elements)
        {
            throw new ArgumentException($"{input.Length} and {output.Length} values given for {shape}.");
        }

        ImageShape room = Room(shape) ?? throw new ShapeException(
            $"The model makes {model.OutputShape(shape)} of {shape}.",
            "Choose a model that gives back its input's shape.");
        if (room == shape)
        {
            RunTiles(shape, input, output);
            return;
        }

        float[] larger = new float[room.Elements];
        PixelSpan lines = new(0, room.H);
        PixelSpan columns = new(0, room.W);
        for (int i = 0; i < larger.Length; i++)
        {
            (int line, int x) = Math.DivRem(i, room.W);
            (int c, int y) = Math.DivRem(line, room.H);
            larger[i] = input.Span[(((c * shape.H) + Reflect(y, shape.H)) * shape.W) + Reflect(x, shape.W)];
        }

        float[] result = new float[room.Elements];
        RunTiles(room, larger, result);
        Tile whole = new(shape.C, lines, columns, new PixelSpan(0, shape.H), new PixelSpan(0, shape.W));
        whole.CopyOut(shape, result, output.Span);
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

    private void RunTiles(ImageShape shape, ReadOnlyMemory<float> input, Memory<float> output)
    {
        foreach (IGrouping<ImageShape, Tile> tiles in Cut(shape).GroupBy(tile => tile.Crop))
        {
            Prepared prepared = Prepare(tiles.Key);
            ParallelOptions options = new() { MaxDegreeOfParallelism = threads };
            Parallel.ForEach(tiles, options, prepared.Rent, Compute, prepared.Free.Add);

            Predictor Compute(Tile tile, ParallelLoopState loop, Predictor predictor)
            {
                tile.CopyIn(shape, input.Span, predictor.Input);
                predictor.Run(prepared.Replica);
                tile.CopyOut(shape, predictor.Output, output.Span);
                return predictor;
            }
        }
    }

    /// <summary>What tiles of a shape need; the last one's is kept, for pictures of one size after another.</summary>
    private Prepared Prepare(ImageShape crop)
    {
        if (_prepared?.Plan.Input != crop)
        {
            _prepared = null;
            Plan plan = model.Compile(crop);
            Replica replica = plan.CreateReplica();
            replica.Load(state.Span);
            _prepared = new Prepared(plan, replica);
        }

        return _prepared;
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
        return
        [
            .. from line in Cut(shape.H, side, multiple)
               from column in Cut(shape.W, width, multiple)
               select new Tile(shape.C, line.Read, column.Read, line.Part, column.Part),
        ];
    }

    /// <summary>Parts of a side, and what to read for each.</summary>
    private List<(PixelSpan Part, PixelSpan Read)> Cut(int length, int side, int multiple)
    {
        List<(PixelSpan Part, PixelSpan Read)> parts = [];
        for (int first = 0; first < length; first += side)
        {
            PixelSpan part = new(first, Math.Min(first + side, length));
            PixelSpan read = model.Root.Reads(part)!.Value.Union(part).Widen(multiple);
            parts.Add((part, new PixelSpan(Math.Max(0, read.First), Math.Min(length, read.End))));
        }

        return parts;
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

        public void CopyIn(ImageShape picture, ReadOnlySpan<float> from, Span<float> to)
        {
            int width = Crop.W;
            for (int c = 0; c < Channels; c++)
            {
                for (int y = ReadY.First; y < ReadY.End; y++)
                {
                    int line = (((c * picture.H) + y) * picture.W) + ReadX.First;
                    from.Slice(line, width).CopyTo(to[(((c * Crop.H) + y - ReadY.First) * width)..]);
                }
            }
        }

        public void CopyOut(ImageShape picture, ReadOnlySpan<float> from, Span<float> to)
        {
            for (int c = 0; c < Channels; c++)
            {
                for (int y = Y.First; y < Y.End; y++)
                {
                    int line = (((c * Crop.H) + y - ReadY.First) * Crop.W) + X.First - ReadX.First;
                    from.Slice(line, X.End - X.First).CopyTo(to[((((c * picture.H) + y) * picture.W) + X.First)..]);
                }
            }
        }
    }
}
