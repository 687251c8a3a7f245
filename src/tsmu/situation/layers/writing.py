"""stub"""
def write_layers(situation, facts, folder):
    folder.mkdir()
