using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Distributed.Coordinator.Commands;

/// <summary>The usual help, and below it what people type.</summary>
internal sealed class HelpWithExamples(HelpAction usual, string program) : SynchronousCommandLineAction
{
    /// <summary>For each command, notes and lines to type; PROGRAM stands for the program.</summary>
    private static readonly Dictionary<string, string[]> s_examples = new(StringComparer.Ordinal)
    {
        [""] =
        [
            "Examples:",
            "  PROGRAM train",
            "  PROGRAM train --data pairs.pkl --validation clean.pkl --epochs 10",
            "  PROGRAM denoise --run runs/NAME noisy.png denoised.png",
            "  PROGRAM status --run runs/NAME",
            "  PROGRAM doctor",
            "",
            "Exit codes: 0 done, 1 failed, 2 usage, 3 bad data or configuration, 4 cannot join or not authorized,",
            "5 version mismatch, 6 no valid checkpoint although some are there, 7 disk full, 130 Ctrl+C, 143 SIGTERM.",
        ],
        ["train"] =
        [
            "Defaults are in brackets. The first Ctrl+C or SIGTERM saves and ends, the second aborts.",
            "A resumed run goes on with the options of before. It may change where and how it is computed: workers,",
            "threads, listen, advertise, http, min-workers, linger, secrets, token-file, checkpoint-every, json; its",
            "length if the schedule is constant.",
            "",
            "Where the command line is silent, the environment counts, then appsettings.json beside the program, then",
            "the options of the run that goes on. Each option can be set there, by its name without dashes:",
            "  DISTRIBUTED_TRAIN__MINWORKERS=3      Train:MinWorkers        as --min-workers 3",
            "  DISTRIBUTED_TRAIN__ORSTANDBY=true    Train:OrStandby         as --or-standby",
            "  DISTRIBUTED_TRAIN__RUNSROOT          Train:RunsRoot          where new run folders go [runs]",
            "  DISTRIBUTED_TOKEN                    -                       the token that lets workers in",
            "  NO_COLOR                             no colours",
            "  DISTRIBUTED_DEBUG=1                  faults with their stack",
            "",
            "Examples:",
            "  PROGRAM train",
            "  PROGRAM train --data train_data.pkl --validation val_data.pkl --model n2n-final --epochs 5",
            "  PROGRAM train --data photos/ --noise gaussian:25 --crop 64 --steps 2000 --run runs/photos",
            "  PROGRAM train --data photos/ --noise gaussian:25 --crop 64 --steps 2000 --run runs/photos --resume",
            "  PROGRAM train --init weights.pth --optimizer sgd --lr 0.1 --momentum 0.9 --nesterov --json",
        ],
        ["standby"] =
        [
            "Tries the lock of the run every half second, and goes on from the last checkpoint when its coordinator is",
            "dead or left (SIGTERM); one that is only stopped or cut off keeps its lock, and is waited for. Ends when",
            "the run is finished, or was stopped for all (Ctrl+C, or the command stop).",
            "",
            "Examples:",
            "  PROGRAM standby --run /shared/runs/NAME",
            "  PROGRAM train --run /shared/runs/NAME --data pairs/ --epochs 50 --or-standby",
        ],
        ["status"] =
        [
            "Examples:",
            "  PROGRAM status --run runs/NAME",
            "  PROGRAM status --run runs/NAME --json",
        ],
        ["stop"] =
        [
            "The run ends after the step at hand, with a checkpoint, for its workers and standbys too. Returns when it",
            "is let go: 0, or 3 if nobody runs it.",
            "",
            "Examples:",
            "  PROGRAM stop --run runs/NAME",
        ],
        ["sweep"] =
        [
            "All options of train that shape the result are taken too, and hold for every trial; see train --help.",
            "Trials that are done are not run again: the same line with --run, or --resume, goes on with a sweep.",
            "Values with commas are separated by semicolons; a switch has the values on and off.",
            "",
            "Examples:",
            "  PROGRAM sweep --grid lr=0.1,0.01,0.001 --grid batch=8,32 --repeat 3 --limit 5000 --epochs 2",
            "  PROGRAM sweep --grid 'model=n2n-initial:channels=16;n2n-final:channels=16' --steps 500 --run runs/width",
            "  PROGRAM sweep --run runs/width --resume",
            "  PROGRAM sweep --grid lr=0.01,0.001 --listen 0.0.0.0:5500 --min-workers 4 --epochs 10",
        ],
        ["reproduce"] =
        [
            "Each experiment leaves table.md, table.json and figures (SVG) in a folder of its name. Runs that are done",
            "are not run again: the same line again goes on. --scale S multiplies the numbers of training pairs, to",
            "200 at least; numbers of epochs, values and runs shrink with its root, to 2 at least.",
            "",
            "Examples:",
            "  PROGRAM reproduce --list",
            "  PROGRAM reproduce seed003-table2 --scale 0.1",
            "  PROGRAM reproduce seed003-final --data course/",
            "  PROGRAM reproduce all --scale 0.02",
        ],
        ["evaluate"] =
        [
            "PSNR has two definitions, both printed: of the error over all images, and the mean of the single images'.",
            "",
            "Examples:",
            "  PROGRAM evaluate --run runs/NAME",
            "  PROGRAM evaluate --run runs/NAME --data photos/ --noise gaussian:25 --crop 64",
            "  PROGRAM evaluate --weights weights.pth --model n2n-final --data val_data.pkl --json",
        ],
        ["denoise"] =
        [
            "A picture goes through in tiles, with the same values as in one piece; the result is clamped and rounded",
            "to 8 bits, or to 16 if the input has more. Transparency is dropped.",
            "",
            "Examples:",
            "  PROGRAM denoise --run runs/NAME noisy.png denoised.png",
            "  PROGRAM denoise --run runs/NAME --best noisy/ denoised/",
            "  PROGRAM denoise --weights weights.pth --model n2n-final noisy.png denoised.png",
        ],
        ["secrets"] =
        [
            "DIR gets coordinator.key, join.token and view.token, for its owner only; what is there stays. Give",
            "it to train, sweep or reproduce with --secrets, and copy join.token, never the key, to the workers.",
            "",
            "Examples:",
            "  PROGRAM secrets /etc/trainer",
            "  PROGRAM train --listen 0.0.0.0:5500 --secrets /etc/trainer",
        ],
        ["export"] =
        [
            "Examples:",
            "  PROGRAM export --run runs/NAME --format safetensors model.safetensors",
            "  PROGRAM export --checkpoint runs/NAME/checkpoints/step-00000200.safetensors step200.safetensors",
        ],
        ["doctor"] =
        [
            "Each line is OK, WARN or FAIL, with advice. Exit codes: 0 all works, 1 something failed.",
            "With --run also whether the disk of a run folder keeps a second coordinator out, which a standby needs.",
            "",
            "Examples:",
            "  PROGRAM doctor",
            "  PROGRAM doctor --run /shared/runs/NAME",
        ],
    };

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        string name = parseResult.CommandResult.Command is RootCommand ? "" : parseResult.CommandResult.Command.Name;
        foreach (string line in s_examples.GetValueOrDefault(name, []))
        {
            parseResult.InvocationConfiguration.Output.WriteLine(
                line.Replace("PROGRAM", program, StringComparison.Ordinal));
        }

        return code;
    }
}
