using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Link;

namespace Distributed.Coordinator.Actors;

/// <summary>The listener for workers of other processes: tokens, certificate and server of one life of a run.</summary>
public sealed class RemoteWorkers : IAsyncDisposable
{
    private readonly SecretsFolder _secrets;
    private readonly LinkServer _server;

    private RemoteWorkers(SecretsFolder secrets, LinkServer server)
    {
        _secrets = secrets;
        _server = server;
    }

    /// <summary>Begins to listen, and says how to join.</summary>
    /// <param name="options">Where to listen, and whose token.</param>
    /// <param name="secretsFolder">Keeps tokens and certificate.</param>
    /// <param name="host">Gets the workers.</param>
    /// <param name="note">Told the line that starts a worker.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    /// <exception cref="ConfigurationException">The port is taken, or the token is none.</exception>
    public static async Task<RemoteWorkers> StartAsync(
        TrainOptions options, string secretsFolder, ILinkHost host, Action<string> note, TimeProvider clock)
    {
        SecretsFolder secrets;
        try
        {
            secrets = SecretsFolder.Open(secretsFolder, Token.Find(options.TokenFile), clock.GetUtcNow());
        }
        catch (AccessException exception)
        {
            throw new ConfigurationException(exception.Message, exception.Remedy, exception);
        }

        try
        {
            LinkServer server = await LinkServer.StartAsync(
                options.Listen!, host, secrets, new LinkOptions(), clock);
            string address = server.Address.GetLeftPart(UriPartial.Authority);
            string program = ShellLine.Program("Worker", AppContext.BaseDirectory);
            note($"Add workers: {program} --join {address} --token-file {ShellLine.Quote(secrets.JoinFile)}");
            return new RemoteWorkers(secrets, server);
        }
        catch
        {
            secrets.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _secrets.Dispose();
    }
}
