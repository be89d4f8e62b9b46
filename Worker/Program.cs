using Distributed.Worker;

return await WorkerProgram.RunAsync(args, Console.Error);
