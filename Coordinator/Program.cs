using Distributed.Coordinator.Commands;

return await CommandLine.RunAsync(args, CommandContext.OfProcess());
