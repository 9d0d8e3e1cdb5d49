pytest_plugins = ["locmfa"]
