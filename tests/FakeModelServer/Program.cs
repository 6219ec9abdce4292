using FakeModelServer;

// Listens where --urls says, e.g. --urls http://127.0.0.1:9099
FakeModelHost.Build(args).Run();
