DELETE FROM desired WHERE slot = 'refused' AND revision <= :revision
