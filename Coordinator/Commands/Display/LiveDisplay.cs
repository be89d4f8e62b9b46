using System.Globalization;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Training;
using Spectre.Console;

namespace Distributed.Coordinator.Commands.Display;

/// <summary>A table on a terminal that is drawn again a few times a second; notes go above it.</summary>
internal sealed class LiveDisplay : TrainingDisplay
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider _clock;
    private readonly ProgressText _text;
    private readonly IAnsiConsole _console;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _drawing;
    private LiveDisplayContext? _context;
    private long? _shownAt;
    private StepProgress _progress;
    private TimeSpan? _left;
    private Evaluation? _evaluation;

    /// <summary>Draws nothing before the first step.</summary>
    public LiveDisplay(TextWriter writer, TimeProvider clock, bool noColor)
    {
        _clock = clock;
        _text = new ProgressText(clock);
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = AnsiSupport.Yes,
            ColorSystem = noColor ? ColorSystemSupport.NoColors : ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
        });
    }

    /// <inheritdoc/>
    public override void Note(string line) => _console.WriteLine(line);

    /// <inheritdoc/>
    public override void OnStep(in StepProgress progress)
    {
        _progress = progress;
        _left = _text.TimeLeft(progress);
        if (_shownAt is null || _clock.GetElapsedTime(_shownAt.Value) >= s_interval)
        {
            _shownAt = _clock.GetTimestamp();
            Draw();
        }
    }

    /// <inheritdoc/>
    public override void OnValidated(int step, Evaluation evaluation)
    {
        _evaluation = evaluation;
        if (_shownAt is null)
        {
            Note(ProgressText.Validated(step, evaluation));
        }
        else
        {
            Draw();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_drawing is not null)
        {
            Draw();
            _ended.SetResult();
            _drawing.GetAwaiter().GetResult();
        }
    }

    private void Draw()
    {
        Table table = CreateTable();
        if (_drawing is null)
        {
            _drawing = _console.Live(table).AutoClear(false).StartAsync(context =>
            {
                _context = context;
                return _ended.Task;
            });
        }

        _context!.UpdateTarget(table);
    }

    /// <summary>As many columns as the terminal is wide enough for: a line that wraps moves the table.</summary>
    private Table CreateTable()
    {
        List<(string Title, string Text, int Rank)> columns =
        [
            ("step", ProgressText.Step(_progress), 0),
            ("epoch", _progress.Epoch.ToString("0.00", CultureInfo.InvariantCulture), 3),
            ("loss", ProgressText.Loss(_progress.Loss), 1),
            (ProgressText.Figure(_evaluation), ProgressText.Psnr(_evaluation), 0),
            ("images/s", ProgressText.Speed(_progress), 2),
            ("workers", _progress.Workers.ToString(CultureInfo.InvariantCulture), 2),
            ("recomputed", _progress.RecomputedShards.ToString(CultureInfo.InvariantCulture), 4),
            ("ETA", ProgressText.Left(_left), 1),
        ];
        while (columns.Count > 2 && WidthOf(columns) > _console.Profile.Width)
        {
            columns.Remove(columns.MaxBy(column => column.Rank));
        }

        Table table = new() { Border = TableBorder.Rounded };
        foreach ((string title, _, _) in columns)
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(Color.Aqua))).RightAligned());
        }

        Style figure = new(Color.Green);
        table.AddRow(columns.Select(column =>
            column.Title == ProgressText.Figure(_evaluation) ? new Text(column.Text, figure) : new Text(column.Text)));
        return table;
    }

    /// <summary>A blank on either side of each column, and lines around them.</summary>
    private static int WidthOf(List<(string Title, string Text, int Rank)> columns) =>
        1 + columns.Sum(column => Math.Max(column.Title.Length, column.Text.Length) + 3);
}
