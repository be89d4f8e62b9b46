using System.Net;
using Distributed.Framework.Data;
using Distributed.Framework.Training;
using Distributed.Worker;

namespace Distributed.EndToEnd.Tests.Link;

/// <summary>What the worker program does when it and its coordinator do not belong together.</summary>
public sealed class RefusalTests
{
    private static readonly DataOptions s_synthetic = new() { Limit = 32 };

    [Theory]
    [InlineData("0.0.9", null)]
    [InlineData(null, "other bits")]
    public async Task OtherVersionOrArithmetic_EndsTheProgramWithItsOwnCode(string? version, string? numerics)
    {
        await using ServedRun run = await ServedRun.StartAsync(
            s_synthetic,
            version: version ?? WorkerProgram.Version,
            numerics: numerics ?? NumericsFingerprint.Compute());
        using RunningProgram worker = Worker(run, "http", run.Secrets.JoinFile);
        Assert.True(await worker.ExitCodeAsync() == 5, worker.Error);
        Assert.Contains((version ?? numerics)!, worker.Error, StringComparison.Ordinal);
        Assert.Contains("same version", worker.Error, StringComparison.Ordinal);
    }

    /// <summary>
    /// Goal: without a pin, a certificate has to be trusted here and valid now; with one, its key alone counts. Method:
    /// a worker whose system trusts nothing, or exactly this certificate, which is new or was made 30 years ago.
    /// </summary>
    [Theory]
    [InlineData(0, true, false, null)]
    [InlineData(0, false, false, "UntrustedRoot")]
    [InlineData(30, true, false, "NotTimeValid")]
    [InlineData(30, false, true, null)]
    public async Task Certificate_CountsAsItsDatesItsIssuerAndThePinSay(
        int yearsOld, bool isTrusted, bool isPinned, string? fault)
    {
        await using ServedRun run = await ServedRun.StartAsync(
            s_synthetic,
            version: WorkerProgram.Version,
            numerics: NumericsFingerprint.Compute(),
            address: IPAddress.Any,
            firstStart: DateTimeOffset.UtcNow.AddYears(-yearsOld));
        Assert.Equal(yearsOld > 20, run.Secrets.Certificate.NotAfter < DateTime.Now);
        string token = Path.Combine(run.Folder, "worker.token");
        await File.WriteAllTextAsync(token, isPinned ? run.Secrets.Join.ToText() : run.Secrets.Join.Secret);
        string trusted = Path.Combine(run.Folder, "trusted.pem");
        await File.WriteAllTextAsync(trusted, isTrusted ? run.Secrets.Certificate.ExportCertificatePem() : "");
        using RunningProgram worker = Worker(run, "https", token, new()
        {
            ["SSL_CERT_FILE"] = trusted,
            ["SSL_CERT_DIR"] = Directory.CreateDirectory(Path.Combine(run.Folder, "none")).FullName,
        });
        if (fault is null)
        {
            await RunningProgram.Until(
                () => Task.FromResult(worker.HasExited || run.Host.WorkersReady == 1), "a worker");
            Assert.False(worker.HasExited, worker.Error);
            RunningProgram.Signal(worker.Id, "-TERM");
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        }
        else
        {
            Assert.True(await worker.ExitCodeAsync() == 4, worker.Error);
            Assert.Contains("is not trusted here", worker.Error, StringComparison.Ordinal);
            Assert.Contains(fault, worker.Error, StringComparison.Ordinal);
            Assert.Equal(0, run.Host.WorkersReady);
        }
    }

    private static RunningProgram Worker(
        ServedRun run, string scheme, string tokenFile, Dictionary<string, string>? environment = null) => new(
        "worker",
        [
            "--join", $"{scheme}://localhost:{run.Server.Address.Port}", "--token-file", tokenFile, "--threads", "1",
        ],
        environment);
}
