using System.CommandLine;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>secrets</c>: makes a coordinator's key and tokens before any run.</summary>
internal static class SecretsCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("secrets", "Make a coordinator's key and tokens before any run");
        Argument<string> folder = new("DIR") { Description = "The folder; what is there already stays" };
        command.Arguments.Add(folder);
        command.SetAction(result =>
        {
            string path = Path.GetFullPath(result.GetRequiredValue(folder));
            using SecretsFolder secrets = SecretsFolder.Open(path, null, context.Clock.GetUtcNow());
            context.Output.WriteLine($"The coordinator's key and tokens are in {path}: give it with --secrets.");
            context.Output.WriteLine($"Workers need {secrets.JoinFile} (--token-file), and nothing else.");
            return ExitCodes.Done;
        });
        return command;
    }
}
