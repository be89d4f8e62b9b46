using System.Globalization;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Training;
using Spectre.Console;

namespace Distributed.Coordinator.Commands.Display;

/// <summary>A table on a terminal that is drawn again a few times a second; notes go above it.</summary>
internal sealed class LiveDisplay : TrainingDisplay
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);
    private static readonly string[] s_columns =
        ["step", "epoch", "loss", "PSNR", "images/s", "workers", "recomputed", "ETA"];

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

    private Table CreateTable()
    {
        Table table = new() { Border = TableBorder.Rounded };
        foreach (string column in s_columns)
        {
            string title = column == "PSNR" ? ProgressText.Figure(_evaluation) : column;
            table.AddColumn(new TableColumn(new Text(title, new Style(Color.Aqua))).RightAligned());
        }

        table.AddRow(
            new Text(ProgressText.Step(_progress)),
            new Text(_progress.Epoch.ToString("0.00", CultureInfo.InvariantCulture)),
            new Text(ProgressText.Loss(_progress.Loss)),
            new Text(ProgressText.Psnr(_evaluation), new Style(Color.Green)),
            new Text(ProgressText.Speed(_progress)),
            new Text(_progress.Workers.ToString(CultureInfo.InvariantCulture)),
            new Text(_progress.RecomputedShards.ToString(CultureInfo.InvariantCulture)),
            new Text(ProgressText.Left(_left)));
        return table;
    }
}
