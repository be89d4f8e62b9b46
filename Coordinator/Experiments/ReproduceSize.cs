using System.Globalization;

namespace Distributed.Coordinator.Experiments;

/// <summary>How large a reproduction is, and on what data.</summary>
/// <remarks>
/// The scale multiplies the number of training pairs, to no less than 200. Numbers of epochs above 2, and the numbers
/// of values and of repeated runs, shrink with its square root, to no less than 2.
/// </remarks>
/// <param name="Scale">Above 0 and at most 1; 1 is the size of the report.</param>
/// <param name="Data">Folder of the course's train_data.pkl and val_data.pkl; null for synthetic images.</param>
/// <param name="Repeat">Runs of each row; null for as many as in the report.</param>
internal sealed record ReproduceSize(double Scale, string? Data, int? Repeat)
{
    /// <summary>The noise of synthetic images in the place of the course's.</summary>
    /// <remarks>
    /// Blocks of 4 pixels leave an input of 21.1 dB, and seed 003's first model comes to 23.77 dB, where its report has
    /// 23.88. With blocks of 2 the input has 25.5 dB, more than most networks of the reports reach: nobody can tell
    /// what such a network learned.
    /// </remarks>
    public const string SyntheticNoise = "resample:4";

    private const int PairsMin = 200;

    /// <summary>Whether this is the size of the report.</summary>
    public bool IsFull => Scale >= 1;

    /// <summary>What the reader must know about the size.</summary>
    public string SizeNote => IsFull
        ? Data is null ? "Size: as in the report." : "Size: as in the report, if the files hold as many pairs."
        : string.Create(
            CultureInfo.InvariantCulture,
            $"Size: --scale {Scale}, so fewer pairs, epochs, values and runs than in the report.");

    /// <summary>What the reader must know about the data.</summary>
    /// <param name="trainings">The options of each training; the most pairs that one may use are named.</param>
    public string DataNote(IEnumerable<IReadOnlyList<string>> trainings)
    {
        if (Data is null)
        {
            return $"Data: synthetic images (dead leaves, 32 x 32, noise {SyntheticNoise}), not the course's: levels "
                + "differ.";
        }

        int most = trainings.Max(arguments => int.Parse(
            arguments.SkipWhile(argument => argument != "--limit").ElementAt(1), CultureInfo.InvariantCulture));
        return string.Create(CultureInfo.InvariantCulture, $"Data: the files of --data ({most} pairs at most).");
    }

    /// <summary>Training pairs.</summary>
    public int Pairs(int full) => Math.Max(Math.Min(PairsMin, full), (int)Math.Round(full * Scale));

    /// <summary>Epochs.</summary>
    public int Epochs(int full) => Shrink(full);

    /// <summary>Runs of each row.</summary>
    public int Runs(int full) => Repeat ?? Shrink(full);

    /// <summary>Some of many values, the first and the last among them.</summary>
    public IReadOnlyList<T> Values<T>(IReadOnlyList<T> full)
    {
        int count = Shrink(full.Count);
        return count >= full.Count
            ? full
            : [.. Enumerable.Range(0, count).Select(i => full[(int)Math.Round(i * (full.Count - 1.0) / (count - 1))])];
    }

    /// <summary>The options for the course's kind of pairs.</summary>
    /// <param name="pairs">How many in the report.</param>
    public IReadOnlyList<string> CoursePairs(int pairs) =>
    [
        .. Data is null
            ? (string[])["--noise", SyntheticNoise]
            : ["--data", Path.Combine(Data, "train_data.pkl"), "--validation", Path.Combine(Data, "val_data.pkl")],
        "--limit", Pairs(pairs).ToString(CultureInfo.InvariantCulture),
    ];

    private int Shrink(int full) => full <= 2 ? full : Math.Max(2, (int)Math.Round(full * Math.Sqrt(Scale)));
}
