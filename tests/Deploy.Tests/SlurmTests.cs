using Distributed.Deploy.Tests.Harness;

namespace Distributed.Deploy.Tests;

/// <summary>
/// The batch script, with a scheduler's commands replaced: <c>srun</c> starts its program once for each node, on this
/// machine. No scheduler is at hand.
/// </summary>
public sealed class SlurmTests : IDisposable
{
    private const string Train =
        "--run runs/denoiser --model n2n-initial:channels=8 --limit 64 --batch 16 --shard 2 --checkpoint-every 20";

    /// <summary>The script's port follows from it.</summary>
    private readonly string _job = $"{Ports.Block() - 20_000}";

    private readonly TestFolder _folder = new();

    public SlurmTests()
    {
        _folder.WriteScript("bin/srun", """
            #!/usr/bin/env bash
            ids=""
            trap 'kill $ids; wait' TERM
            while [[ "$1" = --* ]]; do shift; done
            for ((i = 0; i < SLURM_NNODES; i++)); do SLURM_PROCID=$i "$@" & ids="$ids $!"; done
            code=0
            for id in $ids; do wait $id || code=$?; done
            exit $code
            """);
        _folder.WriteScript("bin/scontrol", "#!/usr/bin/env bash\necho \"$@\" > asked\n");
        _folder.WriteScript("bin/hostname", "#!/usr/bin/env bash\necho 127.0.0.1\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Job_TrainsOnAllItsNodes()
    {
        ProgramResult result = await SubmitAsync($"{Train} --steps 40");
        Assert.True(result.ExitCode == 0, $"{result}\n{Log()}");
        Assert.Contains("Done after step 40", Log(), StringComparison.Ordinal);
        Assert.Contains("127.0.0.1-1 joined", Log(), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["asked"]));
    }

    /// <summary>At the end of its time the job saves, and is queued again; then it goes on where it was.</summary>
    [Fact]
    public async Task Job_ThatIsCutOff_IsQueuedAgain_AndGoesOn()
    {
        string cut = $"({Submit($"{Train} --steps 100000")}) & job=$!; "
            + $"until grep -q 'step [1-9]' runs/denoiser-{_job}.log; do kill -0 $job || exit 9; sleep 0.1; done; "
            + "kill -TERM $job; wait $job";
        ProgramResult result = await Shell.BashAsync(_folder.Folder, cut, Environment());
        Assert.True(result.ExitCode == 0, $"{result}\n{Log()}");
        Assert.Equal($"requeue {_job}\n", File.ReadAllText(_folder["asked"]));

        int steps = int.Parse(Saved().Split('-')[^1], System.Globalization.CultureInfo.InvariantCulture) + 20;
        result = await SubmitAsync($"{Train} --steps {steps}");
        Assert.True(result.ExitCode == 0, $"{result}\n{Log()}");
        Assert.Contains("Resuming after step", Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_WithoutARun_IsRefused() => Assert.Equal(2, (await SubmitAsync("--steps 1")).ExitCode);

    private static string Submit(string options) =>
        $"exec {Repository.PathOf("deploy/slurm/train.sbatch")} {options}";

    private Task<ProgramResult> SubmitAsync(string options) =>
        Shell.BashAsync(_folder.Folder, Submit(options), Environment());

    private Dictionary<string, string> Environment() => new()
    {
        ["PATH"] = $"{_folder["bin"]}:{System.Environment.GetEnvironmentVariable("PATH")}",
        ["BIN"] = AppContext.BaseDirectory.TrimEnd('/'),
        ["SLURM_JOB_ID"] = _job,
        ["SLURM_NNODES"] = "2",
        ["SLURM_CPUS_PER_TASK"] = "1",
    };

    /// <summary>The newest checkpoint's name.</summary>
    private string Saved() => Directory.EnumerateFiles(_folder["runs/denoiser/checkpoints"], "*.safetensors")
        .Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal).Last();

    private string Log() => File.Exists(_folder[$"runs/denoiser-{_job}.log"])
        ? File.ReadAllText(_folder[$"runs/denoiser-{_job}.log"])
        : "(no log)";
}
